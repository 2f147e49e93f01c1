"""The same answer again, and the same rubric in another order: a verdict must not depend on either."""

import random
from collections import Counter
from collections.abc import Sequence

from rubric_factory.judging.corruptions import ladder
from rubric_factory.judging.failures import decide
from rubric_factory.judging.levels import keys, levels
from rubric_factory.judging.probes.protocol import Bench, Graded, ProbeResult, ProbeTask
from rubric_factory.records import Judgement, Rubric


def flip_rate(repeats: Sequence[Judgement], rubric: Rubric) -> float:
    """Share of verdicts, over criteria and repeats, that differ from the most frequent one of their criterion; of a judge that rates,
    share of ratings.

    A missing grade is a verdict of its own here: a judge that fails now and then flips, too.
    """
    flips, compared = 0, keys(rubric, repeats)
    for key in compared:
        found = Counter(str(levels(judgement).get(key)) for judgement in repeats)
        flips += len(repeats) - max(found.values())
    return flips / (len(repeats) * len(compared))


def _answers(probe: ProbeTask) -> list[str]:
    """Good, middling and weak: where verdicts are least and most in doubt."""
    return list(dict.fromkeys([probe.task.reference_answer, ladder(probe.task.reference_answer)[2][1], probe.weak_answer]))


def repeats(bench: Bench) -> list[ProbeResult]:
    """Flip rate over `repeats` independent gradings of the same input."""
    pairs = [(probe, answer) for probe in bench.tasks for answer in _answers(probe)]
    draws = range(1, bench.settings.repeats + 1)
    asked = bench.ask([(probe, answer, probe.task.rubric, draw) for probe, answer in pairs for draw in draws])
    values: list[tuple[Graded, float | None]] = []
    for index, (probe, answer) in enumerate(pairs):
        judged = [judgement for _, _, judgement in asked[index * len(draws) : (index + 1) * len(draws)]]
        values.append((Graded(probe, answer, None, judged[0]), flip_rate(judged, probe.task.rubric)))
    return [bench.result("repeat_flips", values, accept=bench.settings.repeat_flips, severity="warning")]


def shuffled(rubric: Rubric, seed: str) -> Rubric:
    """The rubric in another order of criteria, never in its own; a single criterion stays."""
    criteria = list(rubric.criteria)
    draw = random.Random(seed)
    while len(criteria) > 1 and tuple(criteria) == rubric.criteria:
        draw.shuffle(criteria)
    return Rubric(tuple(criteria))


def order(bench: Bench) -> list[ProbeResult]:
    """Drift of the reward, and flips of verdicts, when the criteria stand in another order."""
    pairs = [(probe, answer) for probe in bench.tasks if len(probe.task.rubric.criteria) > 1 for answer in _answers(probe)]
    usual = bench.grade(pairs)
    others = [shuffled(probe.task.rubric, f"{bench.seed}/{probe.task.task_id}") for probe, _ in pairs]
    asked = bench.ask([(probe, answer, rubric, 0) for (probe, answer), rubric in zip(pairs, others, strict=True)])
    drift: list[tuple[Graded, float | None]] = []
    flips: list[tuple[Graded, float | None]] = []
    for before, (probe, _, judgement) in zip(usual, asked, strict=True):
        rubric = probe.task.rubric
        one, two = decide([rubric, rubric], [before.judgement, judgement])
        drift.append((before, None if one.reward is None or two.reward is None else abs(one.reward - two.reward)))
        compared = keys(rubric, [before.judgement, judgement])
        differ = [levels(before.judgement).get(key) != levels(judgement).get(key) for key in compared]
        flips.append((before, sum(differ) / len(differ)))
    settings = bench.settings
    return [
        bench.result("order_drift", drift, accept=settings.order_drift, severity="warning"),
        bench.result("order_flips", flips, accept=settings.order_flips, severity="warning"),
    ]
