"""What a judgement says by key, for comparing judgements: the level of each criterion, or the one rating under the key RATING."""

from collections.abc import Iterable

from rubric_factory.records import Judgement, Rubric
from rubric_factory.tables import RATING


def levels(judgement: Judgement) -> dict[str, int | None]:
    """Level by criterion key, or {RATING: value}; empty where there is neither."""
    if judgement.rating is not None:
        return {RATING: judgement.rating.value}
    return {verdict.criterion_key: verdict.level for verdict in judgement.verdicts}


def keys(rubric: Rubric, judgements: Iterable[Judgement]) -> list[str]:
    """What to compare judgements of one answer by: RATING where any of them is a rating, else the rubric's criteria."""
    rated = any(judgement.rating is not None for judgement in judgements)
    return [RATING] if rated else [criterion.criterion_key for criterion in rubric.criteria]


def shares(judgement: Judgement, rubric: Rubric) -> dict[str, float]:
    """Credit in [0, 1] by key: level / highest level of what has one, (value - lowest) / (highest - lowest) of a rating."""
    if (rating := judgement.rating) is not None:
        return {RATING: (rating.value - rating.lowest) / (rating.highest - rating.lowest)}
    tops = {criterion.criterion_key: criterion.max_level for criterion in rubric.criteria}
    return {
        verdict.criterion_key: verdict.level / tops[verdict.criterion_key] for verdict in judgement.verdicts if verdict.level is not None
    }
