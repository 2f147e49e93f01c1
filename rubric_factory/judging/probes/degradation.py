"""The degradation ladder: the less of the reference is left, the lower the reward."""

from collections.abc import Sequence

import numpy as np

from rubric_factory.judging.corruptions import ladder
from rubric_factory.judging.probes.protocol import Bench, ProbeResult
from rubric_factory.judging.probes.resample import interval_of


def _ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks 1 .. n, ties by their mean."""
    array = np.asarray(values, dtype=float)
    return np.array([(array < value).sum() + ((array == value).sum() + 1) / 2 for value in array])


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Spearman's rank correlation, in [-1, 1]; None where either side is constant."""
    one, two = _ranks(left), _ranks(right)
    if one.std() == 0 or two.std() == 0:
        return None
    return float(np.corrcoef(one, two)[0, 1])


def degradation(bench: Bench) -> list[ProbeResult]:
    """Spearman correlation of the share of the reference that is kept with the mean reward at that share."""
    rungs = [(probe, ladder(probe.task.reference_answer)) for probe in bench.tasks]
    graded = bench.grade([(probe, answer) for probe, steps in rungs for _, answer in steps])
    kept = [share for share, _ in rungs[0][1]]
    size = len(kept)
    rows = [[answer.reward for answer in graded[start : start + size]] for start in range(0, len(graded), size)]
    complete = [(row, probe) for row, (probe, _) in zip(rows, rungs, strict=True) if None not in row]
    ungraded = 1 - len(complete) / len(rows)

    def correlation(chosen: Sequence[list[float | None]]) -> float | None:
        means = [float(np.mean([row[rung] or 0.0 for row in chosen])) for rung in range(size)]
        return spearman(kept, means)

    accept, limit = bench.settings.ladder, bench.settings.max_ungraded
    if not complete:
        return [ProbeResult("ladder", None, accept, "warning", False, 0, None, None, (), True, ungraded, "not one ladder was graded")]
    table = [row for row, _ in complete]
    value = correlation(table)
    interval = interval_of(table, [probe.task.document_key for _, probe in complete], correlation, seed=bench.seed)
    low, high = interval or (None, None)
    passed = value is not None and value >= accept and ungraded <= limit
    note = "" if value is not None else "every rung earns the same"
    return [ProbeResult("ladder", value, accept, "warning", passed, len(complete), low, high, (), True, ungraded, note)]
