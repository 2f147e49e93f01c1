"""Clusters and selection over all passages of a corpus, from their measures alone: no text is held."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rubric_factory.passages.dedupe import Hashes, jaccard, near_duplicates
from rubric_factory.passages.elders import NOTHING_OLDER, Elders
from rubric_factory.passages.select import best_spread
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.tables import REJECTIONS, SELECTION

# Above this share of the usable passages the largest cluster is worth a warning: it lies on one side of the split as a whole.
LARGE_CLUSTER = 0.05


@dataclass(slots=True)
class Usable:
    """Passages that quality does not refuse, as columns of equal length, ascending by document_key and position in the document."""

    passage_ids: list[str] = field(default_factory=list)
    document_keys: list[str] = field(default_factory=list)
    char_starts: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    words_sha256: list[str] = field(default_factory=list)
    shingles: list[Hashes] = field(default_factory=list)

    def add(self, rows: list[dict[str, object]]) -> None:
        """Take rows of `passage_measures`."""
        for row in rows:
            self.passage_ids.append(row["passage_id"])  # type: ignore[arg-type]
            self.document_keys.append(row["document_key"])  # type: ignore[arg-type]
            self.char_starts.append(row["char_start"])  # type: ignore[arg-type]
            self.scores.append(row["score"])  # type: ignore[arg-type]
            self.words_sha256.append(row["words_sha256"])  # type: ignore[arg-type]
            self.shingles.append(np.frombuffer(row["shingles"], dtype="<u4"))  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class Decision:
    """Rows of `selection` and of `rejections` for the usable passages, and the counts of the report."""

    selection: pa.Table
    rejections: pa.Table
    counts: dict[str, int]


def clusters_of(usable: Usable, threshold: float) -> npt.NDArray[np.int64]:
    """Position of the first passage of each passage's cluster; equal words or shingles of that similarity connect."""
    first: dict[str, int] = {}
    originals = np.asarray([first.setdefault(key, position) for position, key in enumerate(usable.words_sha256)], dtype=np.int64)
    compared = np.asarray([at for at in first.values() if len(usable.shingles[at])], dtype=np.int64)
    labels = np.arange(len(originals))
    if len(compared):
        labels[compared] = compared[near_duplicates([usable.shingles[at] for at in compared], threshold)]
    return labels[originals]


def represented(usable: Usable, clusters: npt.NDArray[np.int64], elders: Elders) -> npt.NDArray[np.int64]:
    """Position of the passage that represents each passage's cluster: the eldest, and of equally old ones the first."""
    standing = [elders.standing(*names) for names in zip(usable.passage_ids, usable.document_keys, strict=True)]
    first: dict[int, int] = {}
    for at in sorted(range(len(clusters)), key=lambda at: (standing[at], at)):
        first.setdefault(int(clusters[at]), at)
    return np.asarray([first[int(cluster)] for cluster in clusters], dtype=np.int64)


def _refusals(usable: Usable, clusters: npt.NDArray[np.int64], chosen: set[int], limit: int) -> list[tuple[str, str, str]]:
    """(passage_id, reason, detail) of every usable passage that is not selected, in order of id."""
    alone = Counter(usable.document_keys[at] for at, cluster in enumerate(clusters) if at == cluster)
    rows = []
    for at, cluster in enumerate(map(int, clusters)):
        kept = usable.passage_ids[cluster]
        if at == cluster and at not in chosen:
            detail = (
                f"score {usable.scores[at]:.2f}; {alone[usable.document_keys[at]]} passages of its document are fit, {limit} are selected"
            )
            rows.append((usable.passage_ids[at], "over_document_cap", detail))
        elif at != cluster and usable.words_sha256[at] == usable.words_sha256[cluster]:
            rows.append((usable.passage_ids[at], "exact_duplicate", f"the words of passage {kept}"))
        elif at != cluster:
            similarity = jaccard(usable.shingles[at], usable.shingles[cluster])
            detail = f"Jaccard similarity {similarity:.2f} with passage {kept}, which represents their cluster"
            rows.append((usable.passage_ids[at], "near_duplicate", detail))
    return rows


def _chosen(usable: Usable, clusters: npt.NDArray[np.int64], limit: int) -> set[int]:
    """Positions selected: of each document the best of those that represent their cluster."""
    documents: dict[str, list[int]] = {}
    for at, cluster in enumerate(clusters):
        if at == cluster:
            documents.setdefault(usable.document_keys[at], []).append(at)
    chosen: set[int] = set()
    for positions in documents.values():
        ordered = sorted(positions, key=lambda at: usable.char_starts[at])
        chosen.update(ordered[best] for best in best_spread([usable.scores[at] for at in ordered], limit))
    return chosen


def decide(usable: Usable, settings: PassageSettings, elders: Elders = NOTHING_OLDER) -> Decision:
    """Cluster all usable passages, keep the eldest of each cluster, select at most per_document of each document.

    elders: what the latest published version holds; a newcomer never takes a cluster over from it. Among newcomers, and without a
    version, the first by document_key and position is kept. A cluster's id is the passage_id that represents it.
    """
    clusters = represented(usable, clusters_of(usable, settings.near_duplicate_jaccard), elders)
    chosen = _chosen(usable, clusters, settings.per_document)
    refused = _refusals(usable, clusters, chosen, settings.per_document)
    names = [usable.passage_ids[cluster] for cluster in clusters]
    copies = [None if at == cluster else usable.passage_ids[cluster] for at, cluster in enumerate(clusters)]
    picked = [at in chosen for at in range(len(clusters))]
    selection = pa.table([usable.passage_ids, names, copies, usable.scores, picked], schema=SELECTION)
    ids, reasons, details = (list(column) for column in zip(*refused, strict=True)) if refused else ([], [], [])
    rejections = pa.table([ids, ["passages"] * len(ids), reasons, details], schema=REJECTIONS)
    sizes = [size for size in Counter(clusters.tolist()).values() if size > 1]
    largest = max(sizes, default=0)
    counts = {
        "exact_duplicates": reasons.count("exact_duplicate"),
        "near_duplicates": reasons.count("near_duplicate"),
        "clusters": len(sizes),
        "largest_cluster": largest,
        "largest_cluster_warning": int(largest > LARGE_CLUSTER * len(clusters)),
        "selected": len(chosen),
        "selected_documents": len({usable.document_keys[at] for at in chosen}),
    }
    return Decision(selection, rejections, counts)
