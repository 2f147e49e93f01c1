"""Near-duplicates of a workspace's passages: CPU against datatrove's MinHash pipeline, recall and precision against brute force, memory.

    python -m benchmarks.corpus_dedupe WORKSPACE [--datatrove PYTHON] [--passages N] [--seed S]

WORKSPACE has been through `rubric-factory passages`. PYTHON is the interpreter of an environment that holds datatrove; without it that
comparison is left out. Both sides start from the passages' texts and end with clusters; imports are not counted on either side.
"""

import argparse
import json
import random
import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.passages.decide import Nodes, components_of
from rubric_factory.passages.prints import Prints, write_prints
from rubric_factory.passages.shingles import Hashes, jaccard, set_key, shingles_of
from rubric_factory.text import words

THRESHOLD = 0.8
SHINGLE_WORDS = 5
PASSAGES_AT_ONCE = 8  # as many as a document has, on average
# datatrove (with orjson, xxhash, spacy), its own defaults but for 5 words a shingle and one task; CPU seconds of the
# three steps on the last line.
DATATROVE = """
import resource, sys
from pathlib import Path
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.utils.typeshelper import Languages
folder = sys.argv[1]
config = MinhashConfig(n_grams=5)
before = resource.getrusage(resource.RUSAGE_SELF)
for step in (
    [JsonlReader(folder + "/in"), MinhashDedupSignature(folder + "/signatures", config=config, language=Languages.english)],
    [MinhashDedupBuckets(folder + "/signatures", folder + "/buckets", config=config)],
    [MinhashDedupCluster(folder + "/buckets", folder + "/clusters", config=config)],
):
    LocalPipelineExecutor(step, tasks=config.num_buckets if isinstance(step[0], MinhashDedupBuckets) else 1, workers=1,
                          logging_dir=None, skip_completed=False).run()
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _edited(tokens: list[str], share: float, rng: random.Random) -> list[str]:
    """A seeded edit: a share of the words replaced, dropped or doubled."""
    out: list[str] = []
    for token in tokens:
        if rng.random() >= share:
            out.append(token)
        elif (kind := rng.randrange(3)) < 2:
            out += [f"edited{rng.randrange(10**6)}"] if kind else [token, token]
    return out


def texts_with_edits(workspace: Path, count: int, seed: int) -> list[str]:
    """Real passages, and of every eighth an edited copy: from hardly changed to a different text."""
    rng = random.Random(seed)
    texts = pq.read_table(workspace / "tables" / "passages.parquet", columns=["text"])["text"].to_pylist()
    texts = rng.sample(texts, min(count, len(texts)))
    return texts + [" ".join(_edited(text.split(), rng.choice((0.005, 0.01, 0.02, 0.03, 0.05)), rng)) for text in texts[::8]]


def ours(texts: Sequence[str], folder: Path) -> tuple[list[Hashes], npt.NDArray[np.int64], float]:
    """(sets, component of each text, CPU seconds) of the stage's own functions, from text to components, prints written and read."""
    began = _cpu()
    sets: list[Hashes] = []
    for start in range(0, len(texts), PASSAGES_AT_ONCE):
        sets += shingles_of([words(text) for text in texts[start : start + PASSAGES_AT_ONCE]], SHINGLE_WORDS)
    write_prints(folder / "prints", sets)
    count = len(sets)
    prints = Prints([folder / "prints"], np.zeros(count, dtype=np.int64), np.arange(count))
    keys = np.array([set_key(one) if len(one) else 0 for one in sets], dtype=np.int64)
    none = np.zeros(count, dtype=np.int64)
    nodes = Nodes(pa.nulls(count, pa.large_string()), none, keys, none - 1, prints.signatures(), prints)
    components = components_of(nodes, THRESHOLD)
    return sets, components, _cpu() - began


def brute_force(sets: Sequence[Hashes]) -> tuple[list[tuple[int, int]], npt.NDArray[np.int64]]:
    """(every pair of similarity >= THRESHOLD, component of each set): an inverted index finds all pairs that share enough shingles.

    A pair of that similarity shares at least one of the rarest (1 - THRESHOLD) of the smaller set's shingles (prefix filter): exact.
    """
    values, counts = np.unique(np.concatenate(sets), return_counts=True)
    index: dict[int, list[int]] = {}
    labels = list(range(len(sets)))
    pairs: list[tuple[int, int]] = []

    def root(at: int) -> int:
        while labels[at] != at:
            at = labels[at]
        return at

    for at in sorted(range(len(sets)), key=lambda one: len(sets[one])):
        mine = sets[at]
        rarest = mine[np.lexsort((mine, counts[np.searchsorted(values, mine)]))]
        prefix = rarest[: len(mine) - int(np.ceil(THRESHOLD * len(mine))) + 1].tolist()
        for other in sorted({other for value in prefix for other in index.get(value, ())}):
            if len(sets[other]) >= THRESHOLD * len(mine) and jaccard(sets[other], mine) >= THRESHOLD:
                pairs.append((other, at))
                one, two = sorted((root(other), root(at)))
                labels[two] = one
        for value in prefix:
            index.setdefault(value, []).append(at)
    return pairs, np.array([root(at) for at in range(len(sets))], dtype=np.int64)


def datatrove_seconds(texts: Sequence[str], folder: Path, python: str) -> float:
    """CPU seconds of datatrove's signatures, buckets and clusters on the same texts."""
    (folder / "in").mkdir()
    with (folder / "in" / "texts.jsonl").open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"id": str(number), "text": text}) + "\n")
    done = subprocess.run([python, "-c", DATATROVE, str(folder)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"datatrove failed: {done.stderr.strip().splitlines()[-1:]}")
    return float(done.stdout.strip().splitlines()[-1])


def measure(workspace: Path, *, python: str | None = None, passages: int = 40_000, compared: int = 12_000, seed: int = 7) -> dict[str, Any]:
    """Figures of the near-duplicate stage. passages: for CPU; compared: for recall and precision against brute force.

    recall: share of the true pairs that lie in one cluster; precision: share of the pairs in one cluster that lie in one component of the
    true pairs, exact copies aside on both sides.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = texts_with_edits(workspace, passages, seed)
        _, _, seconds = ours(texts, folder)
        figures: dict[str, Any] = {"passages": len(texts), "cpu_seconds": round(seconds, 2)}
        if python is not None:
            theirs = datatrove_seconds(texts, folder, python)
            figures |= {"datatrove_cpu_seconds": round(theirs, 2), "datatrove_over_ours": round(theirs / seconds, 1)}
        figures |= _against_brute_force(texts_with_edits(workspace, compared, seed + 1), folder)
    figures["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return figures


def _against_brute_force(texts: Sequence[str], folder: Path) -> dict[str, Any]:
    sets, _, _ = ours(texts, folder)
    first: dict[bytes, int] = {}
    distinct = [one for at, one in enumerate(sets) if len(one) and first.setdefault(one.tobytes(), at) == at]
    count = len(distinct)
    keys = np.array([set_key(one) for one in distinct], dtype=np.int64)
    write_prints(folder / "distinct", distinct)
    prints = Prints([folder / "distinct"], np.zeros(count, dtype=np.int64), np.arange(count))
    none = np.zeros(count, dtype=np.int64)
    found = components_of(Nodes(pa.nulls(count, pa.large_string()), none, keys, none - 1, prints.signatures(), prints), THRESHOLD)
    began = time.monotonic()
    pairs, true = brute_force(distinct)
    members: dict[int, list[int]] = {}
    for at, label in enumerate(found.tolist()):
        members.setdefault(label, []).append(at)
    together = [(one, other) for group in members.values() for position, one in enumerate(group) for other in group[position + 1 :]]
    return {
        "compared": count,
        "true_pairs": len(pairs),
        "recall": round(sum(found[one] == found[other] for one, other in pairs) / max(1, len(pairs)), 5),
        "clustered_pairs": len(together),
        "precision": round(sum(true[one] == true[other] for one, other in together) / max(1, len(together)), 5),
        "brute_force_seconds": round(time.monotonic() - began, 1),
    }


def main() -> None:
    """Print the figures as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--datatrove", metavar="PYTHON", help="interpreter of an environment with datatrove")
    parser.add_argument("--passages", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    print(json.dumps(measure(given.workspace, python=given.datatrove, passages=given.passages, seed=given.seed)))


if __name__ == "__main__":
    main()
