"""What a passage or a task took of a model so far: the measured sample that a forecast scales, with its spread."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from rubric_factory.ledger import Ledger
from rubric_factory.workspace import Workspace

# Standard deviations on either side of a mean that hold 90 % of a normal distribution.
Z90 = 1.645


@dataclass(frozen=True, slots=True)
class Measure:
    """Mean and standard deviation of one quantity over n subjects."""

    n: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, n: int, total: float, squares: float) -> "Measure":
        """From sums: n > 0."""
        mean = total / n
        variance = max(squares - n * mean * mean, 0.0) / (n - 1) if n > 1 else 0.0
        return cls(n, mean, sqrt(variance))

    def sum_of(self, count: int) -> tuple[float, float, float]:
        """Expected sum over `count` further subjects with its 90 % interval: theirs vary, and the mean itself is uncertain.

        Normal approximation; variance count·s² + count²·s²/n. With n = 1 there is no spread to tell.
        """
        spread = Z90 * self.deviation * sqrt(count + count * count / self.n)
        return count * self.mean, max(count * self.mean - spread, 0.0), count * self.mean + spread


@dataclass(frozen=True, slots=True)
class Sample:
    """One stage of one model: what each of its subjects took. lanes: calls that were under way at once, on average while any was.

    told: share of the answers whose server says what it had cached.
    """

    subjects: int
    measures: dict[str, Measure]
    lanes: float | None
    told: float

    def __getitem__(self, name: str) -> Measure:
        return self.measures[name]


MEASURES = ("calls", "prompt", "uncached", "completion", "seconds")


def samples(workspace: Workspace, model: str, revision: str) -> dict[str, Sample]:
    """{stage: sample} of a model in the workspace's ledger; empty where it was never asked."""
    if not workspace.ledger.exists():
        return {}
    with Ledger(workspace.ledger) as ledger:
        rows = ledger.connection.rows("sample", model=model, revision=revision)
        return {row["stage"]: _sample(row, _lanes(ledger, model, revision, row["stage"])) for row in rows}


def _sample(row: dict[str, Any], lanes: float | None) -> Sample:
    measures = {name: Measure.of(row["subjects"], row[name], row[f"{name}_squares"]) for name in MEASURES}
    return Sample(row["subjects"], measures, lanes, row["told"] / row["calls"])


def _lanes(ledger: Ledger, model: str, revision: str, stage: str) -> float | None:
    """Seconds of all calls over the seconds in which any was under way; None where none took time (batch files)."""
    rows = ledger.connection.rows("answer_times", model=model, revision=revision, stage=stage)
    busy, end = 0.0, float("-inf")
    for row in rows:
        busy += max(0.0, row["ended"] - max(end, row["began"]))
        end = max(end, row["ended"])
    return sum(row["ended"] - row["began"] for row in rows) / busy if busy > 0 else None


def answered(workspace: Workspace, model: str, revision: str, stage: str) -> set[str]:
    """Passages or tasks that a model has answered something about: asked again in the same way, they cost nothing."""
    if not workspace.ledger.exists():
        return set()
    with Ledger(workspace.ledger) as ledger:
        return {row["subject"] for row in ledger.connection.rows("answered_subjects", model=model, revision=revision, stage=stage)}
