"""The canary: a few tasks, four answers each (reference, weak, mismatched, corrupted), with the verdicts the judge gave them."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rubric_factory.judging import corruptions, failures
from rubric_factory.judging.levels import keys, levels
from rubric_factory.judging.probes.borrowed import mismatched_answers
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.judging.probes.stability import flip_rate as flip_rate_of
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.records import Judgement, Verdict
from rubric_factory.tables import task_from_row, task_to_row

KINDS = ("reference", "weak", "mismatched", "corrupted")


@dataclass(frozen=True, slots=True)
class CanaryPair:
    """One answer with its most frequent verdicts: level by criterion key (None: no grade), or the rating by RATING, and the reward they
    make, unclipped."""

    task_id: str
    kind: str
    response: str
    levels: dict[str, int | None]
    reward: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer of the canary, not yet graded."""

    probe: ProbeTask
    kind: str
    response: str


def _corrupted(reference: str) -> str:
    """The first corruption that applies; half of the reference where none does."""
    for corrupt in (*corruptions.FACTS.values(), *corruptions.MEANINGS.values()):
        worse = corrupt(reference)
        if worse is not None:
            return worse
    return corruptions.ladder(reference)[2][1]


def draw(tasks: Sequence[ProbeTask], pairs: int, seed: int) -> list[Asked]:
    """Tasks in seeded order, all four answers of each, until there are `pairs`; fewer where the tasks end first."""
    ordered = sorted(tasks, key=lambda probe: probe.task.task_id)
    other = {probe.task.task_id: answer for probe, answer in mismatched_answers(ordered, seed)}
    found: list[Asked] = []
    for probe in random.Random(seed).sample(ordered, len(ordered)):
        if len(found) >= pairs:
            break
        reference, task_id = probe.task.reference_answer, probe.task.task_id
        answers = {"reference": reference, "weak": probe.weak_answer, "corrupted": _corrupted(reference)}
        if task_id in other:
            answers["mismatched"] = other[task_id]
        found += [Asked(probe, kind, answers[kind]) for kind in KINDS if kind in answers]
    return found


def grade(judge: Judge, asked: Sequence[Asked], *, draw: int) -> list[Judgement]:
    """One grading of every answer, in order."""
    inputs = [replace(JudgeInput.of(a.probe.task, a.probe.passage_text, a.response, f"canary-{i}"), draw=draw) for i, a in enumerate(asked)]
    return judge.grade_many(inputs)


def settled(asked: Sequence[Asked], repeats: Sequence[Sequence[Judgement]]) -> tuple[CanaryPair, ...]:
    """Per answer and criterion the most frequent level over the repeats; of equally frequent ones the lowest, no grade before any."""
    return tuple(_settled(answer, [repeat[index] for repeat in repeats]) for index, answer in enumerate(asked))


def _settled(answer: Asked, judgements: Sequence[Judgement]) -> CanaryPair:
    rubric = answer.probe.task.rubric
    found: dict[str, int | None] = {}
    for key in keys(rubric, judgements):
        counts = Counter(levels(judgement).get(key) for judgement in judgements)
        found[key] = min(counts, key=lambda level: (-counts[level], -1 if level is None else level))
    return CanaryPair(answer.probe.task.task_id, answer.kind, answer.response, found, _reward(answer, judgements, found))


def _reward(answer: Asked, judgements: Sequence[Judgement], found: Mapping[str, int | None]) -> float | None:
    """Reward of the most frequent levels, or of the most frequent rating, on the scale of those who gave one."""
    rubric, task_id = answer.probe.task.rubric, answer.probe.task.task_id
    if None in found.values():
        return None
    rated = next((judgement.rating for judgement in judgements if judgement.rating), None)
    if rated is not None:
        rating = replace(rated, value=next(level for level in found.values() if level is not None), reason="")
        judgement = Judgement(task_id, "canary", (), "canary", rating=rating)
    else:
        verdicts = tuple(Verdict(key, level) for key, level in found.items() if level is not None)
        judgement = Judgement(task_id, "canary", verdicts, "canary")
    return failures.decide([rubric], [judgement])[0].reward


def flip_rate(asked: Sequence[Asked], repeats: Sequence[Sequence[Judgement]]) -> float:
    """Share of verdicts that differ from the most frequent one, over answers, criteria and repeats; every criterion weighs alike."""
    weights = [len(keys(a.probe.task.rubric, [repeat[i] for repeat in repeats])) for i, a in enumerate(asked)]
    rates = [flip_rate_of([repeat[index] for repeat in repeats], answer.probe.task.rubric) for index, answer in enumerate(asked)]
    return sum(rate * weight for rate, weight in zip(rates, weights, strict=True)) / sum(weights) if weights else 0.0


def flips(before: Sequence[CanaryPair], now: Sequence[CanaryPair]) -> float:
    """Share of the verdicts that are others now; a grade that is missing on one side only is another."""
    pairs = [(level, after.levels.get(key)) for one, after in zip(before, now, strict=True) for key, level in one.levels.items()]
    return sum(one != two for one, two in pairs) / len(pairs) if pairs else 0.0


def mean_reward(pairs: Sequence[CanaryPair]) -> float:
    """Plain mean of the graded pairs, unclipped; 0 where nothing is graded (flips then tell)."""
    graded = [pair.reward for pair in pairs if pair.reward is not None]
    return sum(graded) / len(graded) if graded else 0.0


def task_row(probe: ProbeTask) -> dict[str, Any]:
    """A task with its passage, as JSON."""
    return {**task_to_row(probe.task), "passage_text": probe.passage_text}


def asked_again(tasks: Sequence[Mapping[str, Any]], pairs: Sequence[CanaryPair]) -> list[Asked]:
    """The answers of a stored canary. Errors: ValueError, KeyError on rows that are not task_row's."""
    probes = {}
    for row in tasks:
        task = task_from_row({name: value for name, value in row.items() if name != "passage_text"})
        probes[task.task_id] = ProbeTask.of(task, row["passage_text"])
    return [Asked(probes[pair.task_id], pair.kind, pair.response) for pair in pairs]
