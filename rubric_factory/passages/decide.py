"""Clusters and selection over all passages of a corpus, from compact columns: shingles are held only while they are compared."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rubric_factory.passages.dedupe import Comparison, Components, Sets, link_equal, similarities
from rubric_factory.passages.elders import KNOWN, NEWCOMER, NOTHING_OLDER, REPRESENTED, Elders
from rubric_factory.passages.lsh import Positions, Signatures
from rubric_factory.passages.select import best_spread
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.tables import DOCUMENT_CLUSTERS, REJECTIONS, SELECTION
from rubric_factory.text import printable

# Above this share of the usable passages the largest cluster is worth a warning: it lies on one side of the split as a whole.
LARGE_CLUSTER = 0.05
# Pairs whose sets are held at once while their similarity is measured.
PAIRS_HELD = 5_000


@dataclass(frozen=True, slots=True)
class Nodes:
    """What is clustered: n names, what equal ones share (words: 0 is none; shingles: 0 is an empty set), signatures, and the sets.

    placed: of each the component it was found in before (any integer), negative where it is not placed yet.
    """

    names: pa.StringArray
    words: npt.NDArray[np.int64]
    shingles: npt.NDArray[np.int64]
    placed: npt.NDArray[np.int64]
    known: Signatures
    sets: Sets


@dataclass(frozen=True, slots=True)
class Usable:
    """Passages that quality does not refuse, ascending by document and place. documents: position of each one's document in the corpus.

    similar: the similarity with duplicate_of as it was found before (NaN where there is none), so that it is not measured again.
    """

    nodes: Nodes
    documents: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    former: pa.StringArray
    similar: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """Rows of `selection` and of `rejections` for the usable passages, and of `document_clusters`."""

    selection: pa.Table
    rejections: pa.Table
    documents: pa.Table


def components_of(nodes: Nodes, threshold: float) -> Positions:
    """Smallest position of each node's component: equal words, equal shingles, or shingles of that similarity connect.

    Only pairs with a node that is not placed yet are looked at.
    """
    count = len(nodes.words)
    labels = np.arange(count)
    placed = np.flatnonzero(nodes.placed >= 0)
    if len(placed):
        _, first, where = np.unique(nodes.placed[placed], return_index=True, return_inverse=True)
        labels[placed] = placed[first][where]
    components = Components(labels)
    link_equal(components, nodes.words)
    link_equal(components, nodes.shingles)
    # Of equal sets one is compared: a placed one if there is any, for its pairs are known.
    full = np.flatnonzero(nodes.shingles != 0)
    full = full[np.lexsort((full, nodes.placed[full] < 0, nodes.shingles[full]))]
    alone = np.sort(full[np.concatenate(([True], nodes.shingles[full][1:] != nodes.shingles[full][:-1]))]) if len(full) else full
    new = nodes.placed[alone] < 0
    if not new.any():
        return components.labels
    _, first, where = np.unique(components.labels[alone], return_index=True, return_inverse=True)
    inner = Components(first[where])
    Comparison(_Part(nodes.sets, alone), nodes.known[alone], new, threshold).run(inner)
    components.join(alone, alone[inner.labels])
    return components.labels


class _Part:
    """Some of the sets, renumbered."""

    def __init__(self, sets: Sets, positions: Positions) -> None:
        self._sets, self._positions = sets, positions

    def sizes(self, wanted: Positions) -> Positions:
        """Number of hashes of each wanted set."""
        return self._sets.sizes(self._positions[wanted])

    def sets(self, wanted: Positions) -> list[npt.NDArray[np.uint32]]:
        """The wanted sets."""
        return self._sets.sets(self._positions[wanted])


def represented(components: Positions, *order: npt.NDArray[np.int64]) -> Positions:
    """Position of what represents each one's component: the smallest by `order`, first key first, and of equals the first."""
    ranked = np.lexsort((np.arange(len(components)), *reversed(order), components))
    firsts = np.concatenate(([True], components[ranked][1:] != components[ranked][:-1])) if len(ranked) else np.empty(0, dtype=bool)
    eldest = np.empty(len(components), dtype=np.int64)
    eldest[components[ranked[firsts]]] = ranked[firsts]
    return eldest[components]


def standings(elders: Elders, usable: Usable, documents: pa.StringArray) -> npt.NDArray[np.int64]:
    """Standing of each usable passage; smaller for the older."""
    known = np.fromiter((key in elders.documents for key in documents.to_pylist()), dtype=bool, count=len(documents))
    found = np.where(known[usable.documents], KNOWN, NEWCOMER).astype(np.int64)
    for standing, names in elders.named():
        at = pc.index_in(pa.array(names, pa.string()), value_set=usable.nodes.names).to_numpy(zero_copy_only=False)
        found[at[~np.isnan(at.astype(float))].astype(np.int64)] = standing
    return found


def _chosen(usable: Usable, free: npt.NDArray[np.bool_], limit: int) -> npt.NDArray[np.bool_]:
    """Which passages are selected: of each document the best of the free ones."""
    picked = np.zeros(len(free), dtype=bool)
    at = np.flatnonzero(free)
    for part in np.split(at, np.flatnonzero(np.diff(usable.documents[at])) + 1) if len(at) else []:
        scores = usable.scores[part].tolist()
        picked[part[best_spread(scores, limit, usable.nodes.known[part] if len(part) > limit else None)]] = True
    return picked


def _similarities(sets: Sets, at: Positions, others: Positions) -> npt.NDArray[np.float64]:
    """Jaccard similarity of each pair, so many at a time that their sets can be held."""
    found = np.empty(len(at))
    for start in range(0, len(at), PAIRS_HELD):
        part = slice(start, start + PAIRS_HELD)
        found[part] = similarities(sets, at[part], others[part])
    return found


def _document_clusters(
    usable: Usable, documents: Nodes, standing: npt.NDArray[np.int64], settings: PassageSettings
) -> tuple[Positions, pa.Table]:
    """Position of the document that represents each one's cluster, and the rows that say so."""
    eldest = np.full(len(documents.words), NEWCOMER, dtype=np.int64)
    np.minimum.at(eldest, usable.documents, standing)
    kept = represented(components_of(documents, settings.near_duplicate_jaccard), eldest)
    copies = np.flatnonzero(kept != np.arange(len(kept)))
    similar = np.full(len(kept), np.nan)
    similar[copies] = _similarities(documents.sets, copies, kept[copies])
    rows = [documents.names, documents.names.take(pa.array(kept)), pa.array(similar, from_pandas=True)]
    return kept, pa.table(rows, schema=DOCUMENT_CLUSTERS)


def decide(usable: Usable, documents: Nodes, settings: PassageSettings, elders: Elders = NOTHING_OLDER) -> Decision:
    """Cluster all usable passages, keep the eldest of each cluster, select at most per_document of each document.

    elders: what the latest published version holds; a newcomer never takes a cluster over from it. Among newcomers, and without a
    version, the first by document_key and position is kept. A cluster's id is the passage_id that represents it. documents: the whole
    corpus in key order; of near-duplicate ones the eldest gives passages, the others only what stands in none of its clusters' documents
    that is kept, or is asked about already.
    """
    standing = standings(elders, usable, documents.names)
    kept, document_rows = _document_clusters(usable, documents, standing, settings)
    in_copy = (kept != np.arange(len(kept)))[usable.documents]
    components = components_of(usable.nodes, settings.near_duplicate_jaccard)
    clusters = represented(components, standing, in_copy.astype(np.int64))
    only_copies = np.ones(len(clusters), dtype=bool)
    np.logical_and.at(only_copies, clusters, in_copy)
    alone = clusters == np.arange(len(clusters))
    copied = alone & only_copies & (standing > REPRESENTED)
    chosen = _chosen(usable, alone & ~copied, settings.per_document)
    similar = _similar(usable, clusters)
    names = usable.nodes.names.take(pa.array(clusters))
    rows = [
        usable.nodes.names,
        names,
        pc.if_else(pa.array(alone), pa.scalar(None, pa.string()), names),
        pa.array(usable.scores),
        pa.array(chosen),
        pa.array(similar, from_pandas=True),
    ]
    refused = [
        _over_cap(usable, alone & ~copied, chosen, settings.per_document),
        _of_documents(usable, documents, document_rows, copied),
        _of_passages(usable, names, alone, clusters, similar),
    ]
    return Decision(pa.table(rows, schema=SELECTION), pa.concat_tables(refused), document_rows)


def _similar(usable: Usable, clusters: Positions) -> npt.NDArray[np.float64]:
    """Similarity of each passage with what represents it: 1 for equal words, NaN for itself; what is known from before is not measured."""
    names = usable.nodes.names
    similar = np.where(pc.fill_null(pc.equal(usable.former, names.take(pa.array(clusters))), False), usable.similar, np.nan)
    copies = clusters != np.arange(len(clusters))
    equal = usable.nodes.words == usable.nodes.words[clusters]
    similar[~copies], similar[copies & equal] = np.nan, 1.0
    unknown = np.flatnonzero(copies & ~equal & np.isnan(similar))
    similar[unknown] = _similarities(usable.nodes.sets, unknown, clusters[unknown])
    return similar


def _rejections(names: pa.StringArray, reason: "str | list[str]", details: list[str]) -> pa.Table:
    reasons = [reason] * len(details) if isinstance(reason, str) else reason
    return pa.table([names, ["passages"] * len(details), reasons, details], schema=REJECTIONS)


def _over_cap(usable: Usable, free: npt.NDArray[np.bool_], chosen: npt.NDArray[np.bool_], limit: int) -> pa.Table:
    at = np.flatnonzero(free & ~chosen)
    fit = np.bincount(usable.documents[free])
    details = [
        f"score {score:.2f}; {count} passages of its document are fit, {limit} are selected"
        for score, count in zip(usable.scores[at].tolist(), fit[usable.documents[at]].tolist(), strict=True)
    ]
    return _rejections(usable.nodes.names.take(pa.array(at)), "over_document_cap", details)


def _of_documents(usable: Usable, documents: Nodes, rows: pa.Table, copied: npt.NDArray[np.bool_]) -> pa.Table:
    at = np.flatnonzero(copied)
    about = rows.take(pa.array(usable.documents[at]))
    details = [
        f"its document is a near-duplicate (Jaccard similarity {similar:.2f}) of {printable(kept, 120)}, whose passages are kept"
        for similar, kept in zip(about["similarity"].to_pylist(), about["cluster"].to_pylist(), strict=True)
    ]
    return _rejections(usable.nodes.names.take(pa.array(at)), "near_duplicate_document", details)


def _of_passages(
    usable: Usable, names: pa.StringArray, alone: npt.NDArray[np.bool_], clusters: Positions, similar: npt.NDArray[np.float64]
) -> pa.Table:
    at = np.flatnonzero(~alone)
    equal = (usable.nodes.words[at] == usable.nodes.words[clusters[at]]).tolist()
    kept = names.take(pa.array(at)).to_pylist()
    details = [
        f"the words of passage {name}" if same else f"Jaccard similarity {value:.2f} with passage {name}, which represents their cluster"
        for name, same, value in zip(kept, equal, similar[at].tolist(), strict=True)
    ]
    reasons = ["exact_duplicate" if same else "near_duplicate" for same in equal]
    return _rejections(usable.nodes.names.take(pa.array(at)), reasons, details)
