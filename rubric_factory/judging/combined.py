"""How the verdicts of several judges on one answer become one: the rule of an ensemble. Pure; the failure algebra goes first.

a member's transport, timeout      -> the answer has no grade, and is asked again: what the others said must not depend on an outage
all members over_length            -> over_length, as every member says (they share the length rule)
all members policy-induced         -> policy-induced; where only some are, their worst-case verdicts were set by rule and are no votes
else, criterion by criterion       -> the combined level of those who give one; too little agreement: abstained, no level, so no grade
no member gives any level          -> the failure that all of them share, else abstained
Agreement is counted over all members: one that abstains, refuses or cannot be read supports no level.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median_high, median_low
from typing import Literal

from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Criterion, JudgeFailure, Judgement, Verdict

Combine = Literal["majority", "median"]
# One member's level on a criterion; None: no vote.
Vote = int | None
_OUTAGES = (JudgeFailure.TRANSPORT, JudgeFailure.TIMEOUT)


def majority(levels: Sequence[int]) -> int | None:
    """The most frequent level; None without one, or where two are equally frequent."""
    ranked = Counter(levels).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def median(levels: Sequence[int], weight: int) -> int | None:
    """The middle level, of two middle ones that which earns less: the lower, or the higher of a bad thing. None without a level."""
    if not levels:
        return None
    return median_low(levels) if weight > 0 else median_high(levels)


def agreement(votes: Sequence[Vote], level: int | None) -> float:
    """Share of all members, in [0, 1], whose vote is this level; without one, of the level that most of them give. votes: not empty."""
    counts = Counter(vote for vote in votes if vote is not None)
    return (max(counts.values(), default=0) if level is None else counts[level]) / len(votes)


def verdict(criterion: Criterion, given: Sequence[Verdict], combine: Combine, min_agreement: float) -> Verdict:
    """One criterion. given: the members' verdicts in their order.

    The reason is that of the first member who gives the combined level. No level: the failure that all members share, else abstained.
    """
    votes = [one.level for one in given]
    levels = [vote for vote in votes if vote is not None]
    level = majority(levels) if combine == "majority" else median(levels, criterion.weight)
    agreed = agreement(votes, level)
    if level is None or agreed < min_agreement:
        own = {one.failure for one in given}
        failure = next(iter(own)) if len(own) == 1 else None
        said = ", ".join("none" if vote is None else str(vote) for vote in votes)
        return Verdict(criterion.criterion_key, None, f"the judges say {said}", failure or JudgeFailure.ABSTAINED, agreed)
    reason = next((one.reason for one in given if one.level == level), "")
    return Verdict(criterion.criterion_key, level, reason, None, agreed)


def judgement(item: JudgeInput, given: Sequence[Judgement], judge: str, combine: Combine, min_agreement: float) -> Judgement:
    """One answer. given: what every member made of it, in their order; judge: identity of the ensemble. Tokens are summed."""
    failure, verdicts = _outcome(item, given, combine, min_agreement)
    return Judgement(
        item.task_id,
        item.response_id,
        verdicts,
        judge,
        failure,
        prompt_tokens=sum(one.prompt_tokens for one in given),
        completion_tokens=sum(one.completion_tokens for one in given),
        members=tuple(given),
    )


def _outcome(
    item: JudgeInput, given: Sequence[Judgement], combine: Combine, min_agreement: float
) -> tuple[JudgeFailure | None, tuple[Verdict, ...]]:
    failures = [one.failure for one in given]
    outage = next((kind for kind in _OUTAGES if kind in failures), None)
    if outage is not None:
        return outage, ()
    shared = failures[0] if len(set(failures)) == 1 else None
    if shared is not None and all(one.by_rule for one in given):
        return shared, given[0].verdicts
    verdicts = tuple(verdict(one, [_vote(own, one) for own in given], combine, min_agreement) for one in item.rubric.criteria)
    kinds = {one.failure for one in verdicts}
    if kinds == {None}:
        return None, verdicts
    return (next(iter(kinds)) if len(kinds) == 1 else JudgeFailure.ABSTAINED), verdicts


def _vote(member: Judgement, criterion: Criterion) -> Verdict:
    found = None if member.by_rule else next((one for one in member.verdicts if one.criterion_key == criterion.criterion_key), None)
    return found or Verdict(criterion.criterion_key, None, failure=member.failure or JudgeFailure.ABSTAINED)
