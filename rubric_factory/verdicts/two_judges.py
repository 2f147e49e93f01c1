"""What one judge credits and another does not, over the same stored responses. Pure; rows of VERDICTS in, figures out.

Credit of a verdict: |w| h, h = s / s_max, or 1 - s / s_max of a bad thing (the signed form of arXiv 2605.12474).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rubric_factory.errors import UsageError
from rubric_factory.intervals import Interval, ratio_bootstrap
from rubric_factory.verdicts.stored import Row, by_response, goodness, reward_of_rows, unknown_extent

CriterionKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two verdicts on one criterion of one response: first, second are h in [0, 1]; before: mean h of the baseline, 0 without one."""

    task_id: str
    weight: float
    first: float
    second: float
    before: float = 0.0

    @property
    def size(self) -> float:
        """|w|."""
        return abs(self.weight)

    @property
    def new(self) -> float:
        """h that the first judge credits beyond the baseline."""
        return max(0.0, self.first - self.before)


def _verdicts(rows: Sequence[Row]) -> dict[tuple[str, str, str], Row]:
    return {(task, response, row["criterion_key"]): row for (task, response), own in by_response(rows).items() for row in own}


def _baseline(rows: Sequence[Row]) -> dict[CriterionKey, float]:
    """Mean h by task and criterion, of what is graded."""
    found: dict[CriterionKey, list[float]] = {}
    for row in rows:
        good = goodness(row)
        if good is not None:
            found.setdefault((row["task_id"], row["criterion_key"]), []).append(good)
    return {key: sum(values) / len(values) for key, values in found.items()}


def paired(first: Sequence[Row], second: Sequence[Row], baseline: Sequence[Row] = ()) -> tuple[list[Pair], dict[str, int]]:
    """Verdicts that both judges gave, and counts of those that have no partner, no grade, or (with a baseline) no verdict before.

    Errors: UsageError where nothing pairs, or a criterion has another weight or scale on the two sides.
    """
    left, right, before = _verdicts(first), _verdicts(second), _baseline(baseline)
    counts = {
        "only_first": len(left.keys() - right.keys()),
        "only_second": len(right.keys() - left.keys()),
        "ungraded": 0,
        "no_baseline": 0,
    }
    pairs = []
    for key in left.keys() & right.keys():
        one, two = left[key], right[key]
        if (one["weight"], one["max_level"]) != (two["weight"], two["max_level"]):
            raise UsageError(f"the criterion {key[2]} has another weight or scale in the second table", expected="the same rubric")
        mine, theirs = goodness(one), goodness(two)
        earlier = before.get((key[0], key[2])) if baseline else 0.0
        if mine is None or theirs is None:
            counts["ungraded"] += 1
        elif earlier is None:
            counts["no_baseline"] += 1
        else:
            pairs.append((key, Pair(key[0], one["weight"], mine, theirs, earlier)))
    if not pairs:
        raise UsageError("the two tables share no graded verdict", expected="verdicts of two judges on the same responses")
    return [pair for _, pair in sorted(pairs, key=lambda entry: entry[0])], counts


Measure = Callable[[Pair], tuple[float, float]]

# Name: part and whole of one pair; the figure is the ratio of their sums.
MEASURES: dict[str, Measure] = {
    "agreement": lambda p: (float(p.first == p.second), 1.0),
    "overclaim": lambda p: (float(p.first > p.second), 1.0),
    "underclaim": lambda p: (float(p.first < p.second), 1.0),
    "rejected_credit": lambda p: (p.size * max(0.0, p.first - p.second), p.size * p.first),
    "presence_share_first": lambda p: (p.size * p.first if p.weight > 0 else 0.0, p.size * p.first),
    "presence_share_second": lambda p: (p.size * p.second if p.weight > 0 else 0.0, p.size * p.second),
}


def _exploitation(pair: Pair) -> tuple[float, float]:
    return pair.size * min(pair.new, max(0.0, pair.first - pair.second)), pair.size * pair.new


def compare(first: Sequence[Row], second: Sequence[Row], baseline: Sequence[Row] = (), *, seed: int) -> dict[str, Any]:
    """Figures of two judges, each with a 95 % interval by bootstrap over tasks, None where there is nothing to divide by.

    agreement, overclaim, underclaim: share of verdicts with equal, higher, lower h at the first judge. rejected_credit: the first judge's
    credit that the second rejects / all of it. presence_share_*: share of a judge's credit that comes from good things present, the rest
    from bad things absent. exploitation_rate, with a baseline (the first judge on answers from before training): newly credited weight
    that the second judge rejects / all newly credited weight, arXiv 2605.12474; partial credit counts by its share (ours).
    mean_reward_difference: canonical reward, first - second, over responses that both graded wholly. Errors: those of paired.
    """
    pairs, counts = paired(first, second, baseline)
    measures = {**MEASURES, **({"exploitation_rate": _exploitation} if baseline else {})}
    unknown = unknown_extent([*by_response(first).values(), *by_response(second).values()])
    row: dict[str, Any] = {"verdicts": len(pairs), **counts, "extent_unknown": unknown}
    for name, measure in measures.items():
        parts, wholes = zip(*map(measure, pairs), strict=True)
        row[name] = _figure(ratio_bootstrap(parts, wholes, [pair.task_id for pair in pairs], seed=seed))
    left, right = _rewards(first), _rewards(second)
    both = sorted(left.keys() & right.keys())
    gaps, tasks = [left[key] - right[key] for key in both], [key[0] for key in both]
    return {**row, "responses": len(both), "mean_reward_difference": _figure(ratio_bootstrap(gaps, [1.0] * len(both), tasks, seed=seed))}


def _rewards(rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    found = {key: reward_of_rows(own, "canonical") for key, own in by_response(rows).items()}
    return {key: reward for key, reward in found.items() if reward is not None}


def _figure(found: Interval | None) -> Mapping[str, Any] | None:
    return None if found is None else {"value": found.mean, "ci95_low": found.low, "ci95_high": found.high}
