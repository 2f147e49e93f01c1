"""What a run page is made of: the run folder, and the category of each criterion where the version it trained on is still at hand."""

import heapq
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.dataset_version import open_version, task_rows
from rubric_factory.errors import DatasetError
from rubric_factory.tables import SPLITS

Row = dict[str, Any]
SHOWN = 5
# Stand-ins for a category where the version is not at hand: the sign of the weight is in every verdict.
WANTED, UNWANTED = "positive weight", "negative weight"


@dataclass
class Shares:
    """Mean share of full credit, s / s_max: sums by group. For pitfalls it is how far the bad thing is there."""

    sums: dict[tuple[str, Any], float] = field(default_factory=dict)
    counts: Counter[tuple[str, Any]] = field(default_factory=Counter)

    def add(self, category: str, group: Any, share: float) -> None:
        """Count one graded criterion."""
        self.sums[category, group] = self.sums.get((category, group), 0.0) + share
        self.counts[category, group] += 1

    def mean(self, category: str, group: Any) -> float | None:
        """Mean share, None where nothing was graded."""
        count = self.counts[category, group]
        return self.sums[category, group] / count if count else None

    def groups(self) -> list[Any]:
        """Groups that have a grade, sorted."""
        return sorted({group for _, group in self.counts})

    def categories(self) -> list[str]:
        """Categories that have a grade, in the order of their importance."""
        order = ("essential", "important", "optional", "pitfall", WANTED, UNWANTED)
        return sorted({category for category, _ in self.counts}, key=lambda name: (order.index(name) if name in order else 9, name))


@dataclass
class Rollouts:
    """Training responses: outcomes, words per step (sum, number), and the outliers as rows, worst suspects first."""

    outcomes: Counter[str] = field(default_factory=Counter)
    words: dict[int, tuple[int, int]] = field(default_factory=dict)
    best: list[Row] = field(default_factory=list)
    longest: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """A run folder. spec: run.json; summary: empty while the run is not finished; metrics: phase -> rows in order of their steps."""

    folder: Path
    spec: Row
    summary: Row
    metrics: dict[str, list[Row]]
    rollouts: Rollouts
    by_step: Shares
    by_arm: Shares
    criteria: dict[str, tuple[float, int]]
    named_categories: bool

    @property
    def dead(self) -> dict[str, int]:
        """How many criteria no rollout met at all ('never'), every one met in full ('always'), and how many were graded ('all')."""
        found = Counter("never" if total == 0 else "always" if total == count else "" for total, count in self.criteria.values())
        return {"never": found["never"], "always": found["always"], "all": len(self.criteria)}


def _object(path: Path) -> Row:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}", expected="JSON as the run wrote it", fix="run the training again") from None
    return found if isinstance(found, dict) else {}


def read_metrics(path: Path) -> dict[str, list[Row]]:
    """Rows of metrics.jsonl by phase. A line that is half written, or no object with a phase and a step, is passed over."""
    found: dict[str, dict[int, Row]] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("phase"), str) and isinstance(row.get("step"), int):
            found.setdefault(row["phase"], {})[row["step"]] = row  # a resumed step replaces what it said before
    return {phase: [rows[step] for step in sorted(rows)] for phase, rows in found.items()}


def series(rows: Sequence[Row], key: str) -> list[tuple[float, float]]:
    """(step, value) of a metric, finite ones only."""
    values = ((row["step"], row.get(key)) for row in rows)
    return [(step, float(value)) for step, value in values if isinstance(value, int | float) and math.isfinite(value)]


def _batches(paths: Sequence[Path]) -> Iterator[list[Row]]:
    for path in paths:
        try:
            for batch in pq.ParquetFile(path).iter_batches():
                yield batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise DatasetError(f"cannot read {path}: {error}", expected="a Parquet file", fix="run the training again") from None


def _order(row: Row) -> tuple[int, str]:
    return int(row["step"]), str(row["response_id"])


def _read_rollouts(folder: Path) -> Rollouts:
    found = Rollouts()
    for rows in _batches(sorted((folder / "rollouts").glob("*.parquet"))):
        for row in rows:
            found.outcomes[row["outcome"]] += 1
            total, count = found.words.get(row["step"], (0, 0))
            found.words[row["step"]] = total + row["words"], count + 1
        graded = [row for row in rows if row["reward"] is not None]
        found.best = heapq.nsmallest(SHOWN, [*found.best, *graded], key=lambda row: (-row["reward"], *_order(row)))
        found.longest = heapq.nsmallest(SHOWN, [*found.longest, *rows], key=lambda row: (-row["words"], *_order(row)))
    return found


def _categories(spec: Row) -> dict[str, str]:
    """criterion_key -> category, from the version that the run trained on; nothing where that is gone or another one by now."""
    try:
        version = open_version(Path(str(spec.get("dataset", ""))))
        if version.content_fingerprint != spec.get("content_fingerprint"):
            return {}
        rows = [row for split in SPLITS for row in task_rows(version, split)]
    except DatasetError:
        return {}
    return {criterion["criterion_key"]: criterion["category"] for row in rows for criterion in row["rubric"]}


def _graded(paths: Sequence[Path], categories: dict[str, str]) -> Iterator[tuple[str, Row, float]]:
    """(category, verdict, share of full credit) of every graded verdict."""
    for rows in _batches(paths):
        for row in rows:
            if row["level"] is not None:
                category = categories.get(row["criterion_key"]) or (WANTED if row["weight"] > 0 else UNWANTED)
                yield category, row, row["level"] / row["max_level"]


def read_run(folder: Path) -> Run:
    """Everything the page shows of a run, finished or not. Errors: DatasetError where there is no run, or a file of it is damaged."""
    spec = _object(folder / "run.json")
    if not spec:
        raise DatasetError(f"{folder} is not a training run: it has no run.json", expected="runs/<id>", fix="see rubric-factory train")
    categories = _categories(spec)
    by_step, by_arm, criteria = Shares(), Shares(), dict[str, tuple[float, int]]()
    for category, row, share in _graded(sorted((folder / "verdicts").glob("*.parquet")), categories):
        by_step.add(category, int(row["response_id"].partition("-")[0]), share)
        total, count = criteria.get(row["criterion_key"], (0.0, 0))
        criteria[row["criterion_key"]] = total + share, count + 1
    held_out = folder / "evaluation_verdicts.parquet"
    for category, row, share in _graded([held_out] if held_out.exists() else [], categories):
        by_arm.add(category, row["response_id"].rsplit("-", 2)[0], share)
    metrics, summary = read_metrics(folder / "metrics.jsonl"), _object(folder / "summary.json")
    return Run(folder, spec, summary, metrics, _read_rollouts(folder), by_step, by_arm, criteria, bool(categories))
