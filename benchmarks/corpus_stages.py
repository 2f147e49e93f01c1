"""Ingest and passages of real documents as processes of their own: CPU, wall time and the parent's memory of every run.

    python -m benchmarks.corpus_stages WORKSPACE FOLDER WORKERS     one run of both stages; JSON

Used by `benchmarks.corpus`, which makes the folders. The mix of kinds is that of 100,000 documents: 5.4 % PDF, 5 % text, the rest HTML.
"""

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.stages import Context
from rubric_factory.stages.ingest import ingest
from rubric_factory.stages.passages import passages
from rubric_factory.workspace import Workspace

SHARES = {"pdf": 0.054, "txt": 0.05, "html": 0.896}
# Imported before the clock starts: what a run imports while it works is no part of a share of its work.
STARTED = ("duckdb", "pandas", "pyarrow.parquet", "pyarrow.compute", "numpy", "rensa")


def files_of(corpus: Path, seed: int = 0) -> dict[str, list[Path]]:
    """Files by kind, shuffled."""
    found = {kind: sorted(path for path in corpus.rglob(f"*.{kind}") if path.is_file() and not path.is_symlink()) for kind in SHARES}
    for paths in found.values():
        random.Random(seed).shuffle(paths)
    return found


class Documents:
    """A folder of documents of the mix that grows and changes; every file of the corpus is used once."""

    def __init__(self, folder: Path, found: dict[str, list[Path]]) -> None:
        self.folder, self._left = folder, {kind: list(paths) for kind, paths in found.items()}
        self.names: list[Path] = []
        folder.mkdir(parents=True)

    def _next(self, number: int) -> Path:
        wanted = next((kind for kind in ("pdf", "txt") if _whole(SHARES[kind], number) and self._left[kind]), "html")
        kind = wanted if self._left[wanted] else max(self._left, key=lambda one: len(self._left[one]))
        return self._left[kind].pop()

    def add(self, count: int) -> None:
        """So many documents more."""
        for number in range(len(self.names), len(self.names) + count):
            source = self._next(number)
            place = self.folder / f"{number // 500:03d}" / f"{number:06d}-{source.name}"
            place.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, place)
            self.names.append(place)

    def change(self, count: int, seed: int = 1) -> None:
        """So many of them take the content of a document of the same kind that is not there yet."""
        for place in random.Random(seed).sample(self.names, count):
            kind = place.suffix[1:]
            shutil.copyfile(self._left[kind if self._left.get(kind) else "html"].pop(), place)


def _whole(share: float, number: int) -> bool:
    """Whether the number-th document is one of a kind that makes up this share."""
    return int((number + 1) * share) > int(number * share)


def run(workspace: Path, folder: Path, workers: int) -> dict[str, Any]:
    """One run of both stages in a process of its own: what `measured` says."""
    command = [sys.executable, "-m", "benchmarks.corpus_stages", str(workspace), str(folder), str(workers)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """Peak memory of this program so far; getrusage's figure is inherited from the process that started it."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def measured(workspace: Path, folder: Path, workers: int) -> dict[str, Any]:
    """Both stages here: per stage wall and CPU seconds (parent, children), counts and rejections.

    peak_mb: of this process, start_mb: before. accounted_for: kept + refused + unchanged over what was seen, of ingest, and selected +
    refused over all passages.
    """
    for name in STARTED:
        __import__(name)
    settings = Settings(
        name="corpus",
        seed=1,
        author={"type": "extractive"},
        sources=[{"type": "folder", "name": "corpus", "path": folder}],
        extract={"workers": workers},
        passages={"workers": workers},
    )
    context = Context(settings, Workspace(workspace), Progress(quiet=True))
    found: dict[str, Any] = {"start_mb": peak_mb()}
    for stage in (ingest, passages):
        began, parent, children = time.monotonic(), _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_CHILDREN)
        report = stage(context)
        found[report.stage] = {
            "wall": round(time.monotonic() - began, 3),
            "parent_cpu": round(_cpu(resource.RUSAGE_SELF) - parent, 3),
            "children_cpu": round(_cpu(resource.RUSAGE_CHILDREN) - children, 3),
            "peak_mb": peak_mb(),
            "counts": report.counts,
            "rejections": report.rejections,
        }
    read, cut = found["ingest"], found["passages"]
    accounted = read["counts"]["kept"] + sum(read["rejections"].values()) + read["counts"]["unchanged"]
    passed = cut["counts"]["selected"] + sum(cut["rejections"].values())
    found["accounted_for"] = min(accounted / max(1, read["counts"]["documents_seen"]), passed / max(1, cut["counts"]["passages"]))
    found["cpu"] = round(sum(found[stage][side] for stage in ("ingest", "passages") for side in ("parent_cpu", "children_cpu")), 3)
    found["wall"] = round(read["wall"] + cut["wall"], 3)
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Print one run as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workers", type=int)
    given = parser.parse_args(words)
    print(json.dumps(measured(given.workspace, given.folder, given.workers)))


if __name__ == "__main__":
    main()
