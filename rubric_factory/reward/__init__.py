"""Verdicts to one number: the canonical reward and its alternatives, pure, one small file each, by name in AGGREGATIONS."""

from rubric_factory.records import JudgeFailure, Judgement, Rubric
from rubric_factory.reward.all_pass import all_pass
from rubric_factory.reward.canonical import canonical
from rubric_factory.reward.gates import essential_gated, veto
from rubric_factory.reward.grades import Aggregation, Grades
from rubric_factory.reward.healthbench import healthbench
from rubric_factory.reward.interaction import pairwise_interaction
from rubric_factory.reward.rar import rar_explicit, rar_implicit
from rubric_factory.reward.saturation import saturation
from rubric_factory.reward.shaping import targeted_shaping
from rubric_factory.reward.signed import signed
from rubric_factory.reward.soft_min import soft_min

__all__ = ["AGGREGATIONS", "Aggregation", "Grades", "aggregated", "canonical", "clipped", "grades_of", "rar_implicit", "reward_of"]

AGGREGATIONS: dict[str, Aggregation] = {
    "canonical": canonical,
    "rar_explicit": rar_explicit,
    "signed": signed,
    "healthbench": healthbench,
    "all_pass": all_pass,
    "essential_gated": essential_gated,
    "veto": veto,
    "saturation": saturation,
    "pairwise_interaction": pairwise_interaction,
    "targeted_shaping": targeted_shaping,
    "soft_min": soft_min,
}


def grades_of(rubric: Rubric, judgement: Judgement) -> Grades | None:
    """Grades of a judged response, None where any criterion has none (coverage floor 1.0).

    Errors: ValueError when the verdicts are not exactly the rubric's criteria.
    """
    keys = [c.criterion_key for c in rubric.criteria]
    levels = {v.criterion_key: v.level for v in judgement.verdicts}
    if judgement.failure is not None and not judgement.verdicts:
        return None
    if len(judgement.verdicts) != len(keys) or set(levels) != set(keys):
        raise ValueError(f"verdicts on {sorted(levels)}, expected exactly {sorted(keys)}")
    graded = [level for key in keys if (level := levels[key]) is not None]
    if len(graded) != len(keys):
        return None
    criteria = rubric.criteria
    return Grades.of([c.weight for c in criteria], graded, [c.max_level for c in criteria], [c.category for c in criteria])


def aggregated(grades: Grades, failure: JudgeFailure | None, aggregation: str) -> float:
    """Reward of graded verdicts by one of AGGREGATIONS; an over-long answer earns 0 by rule under all of them.

    Its verdicts are all at level 0, which `signed` or `rar_explicit` would pay for: the bad things are absent.
    """
    return 0.0 if failure is JudgeFailure.OVER_LENGTH else AGGREGATIONS[aggregation](grades)


def reward_of(rubric: Rubric, judgement: Judgement, aggregation: str = "canonical") -> float | None:
    """Reward of a judged response by one of AGGREGATIONS, None where any criterion has no grade. Errors: as grades_of.

    A rating is one number already: rar_implicit of it, whatever the aggregation.
    """
    if judgement.rating is not None:
        return rar_implicit(judgement.rating.value, lowest=judgement.rating.lowest, highest=judgement.rating.highest)
    grades = grades_of(rubric, judgement)
    return None if grades is None else aggregated(grades, judgement.failure, aggregation)


def clipped(reward: float) -> float:
    """Reward clipped to [0, 1]: for reported means only, never in training."""
    return min(1.0, max(0.0, reward))
