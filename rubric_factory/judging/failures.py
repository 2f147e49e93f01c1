"""The failure algebra: what becomes of an answer that a judge could not grade. Pure; gates and training use the same code.

transport, timeout, refused, abstained  -> no reward (None): the rollout is excluded
over_length                             -> decided before the call: every criterion unmet, reward 0, flagged
unparseable after all tries             -> policy-induced (positives unmet, negatives met, flagged) only where the batch shows that the
                                           judge itself works: its canary AND >= 90 % of the other first replies parse; otherwise None
partly judged                           -> None (coverage floor 1.0, in reward.reward_of): a criterion abstained from, one whose quote is
                                           not in the response, one of several calls that failed
A judge that rates knows the lowest rating (reward 0) in the place of "every criterion unmet" and of the policy-induced grade.
"""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import JudgeFailure, Judgement, Rating, Rubric, Verdict
from rubric_factory.reward import reward_of

OTHERS_PARSE = 0.9
MAX_UNGRADED, WINDOW, JUDGED_FROM = 0.05, 500, 64


# Lowest and highest rating of a judge that rates; None of one that gives verdicts.
Scale = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Replies:
    """What all calls about one answer, with all their tries, came to: verdicts or a rating, or why there is none.

    verdicts: in rubric order, partial ones filled up with verdicts that carry a failure. first_parsed: share of the calls whose first reply
    could be read.
    """

    verdicts: tuple[Verdict, ...] = ()
    failure: JudgeFailure | None = None
    first_parsed: float = 0.0
    raw: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rating: Rating | None = None


def is_over_length(response: str, max_characters: int) -> bool:
    """The length rule, decided before any call: longer than max_characters code points."""
    return len(response) > max_characters


def unmet(rubric: Rubric, reason: str) -> tuple[Verdict, ...]:
    """Every criterion at level 0, negative ones too: the grade of an over-long answer (reward 0)."""
    return tuple(Verdict(c.criterion_key, 0, reason) for c in rubric.criteria)


def worst(rubric: Rubric, reason: str) -> tuple[Verdict, ...]:
    """Positives unmet, negatives met in full: the lowest reward this rubric can give."""
    return tuple(Verdict(c.criterion_key, 0 if c.weight > 0 else c.max_level, reason) for c in rubric.criteria)


def lowest(scale: tuple[int, int], reason: str) -> Rating:
    """The lowest rating: what the two rules above come to for a judge that rates."""
    return Rating(scale[0], *scale, reason)


def over_length(item: JudgeInput, judge: str, scale: Scale = None) -> Judgement:
    """Judgement of an over-long answer: graded 0 by rule, flagged."""
    why = "over length"
    verdicts, rating = ((), lowest(scale, why)) if scale else (unmet(item.rubric, why), None)
    return Judgement(item.task_id, item.response_id, verdicts, judge, JudgeFailure.OVER_LENGTH, rating=rating)


def policy_induced(first_parsed: Sequence[float], index: int, canary_parsed: bool) -> bool:
    """Whether an unparseable reply to answer `index` is the answer's doing.

    first_parsed: per answer of the batch that was sent, the share of its first replies that could be read. Without any other reply there
    is no evidence that the judge works on answers, so it is not.
    """
    others = [parsed for position, parsed in enumerate(first_parsed) if position != index]
    return canary_parsed and bool(others) and math.fsum(others) >= OTHERS_PARSE * len(others)


def settle(item: JudgeInput, replies: Replies, judge: str, *, induced: bool, scale: Scale = None) -> Judgement:
    """Replies to Judgement. induced: see policy_induced; only read where the failure is unparseable.

    A void verdict (its quote is not in the response) is the judge's own fault: no grade, never policy-induced.
    """
    verdicts, rating, failure = replies.verdicts, replies.rating, replies.failure
    if failure is JudgeFailure.UNPARSEABLE and induced:
        why = "made the judge's reply unparseable"
        verdicts, rating = ((), lowest(scale, why)) if scale else (worst(item.rubric, why), None)
    elif failure is None:
        own = {verdict.failure for verdict in verdicts}
        failure = next((kind for kind in (JudgeFailure.UNPARSEABLE, JudgeFailure.ABSTAINED) if kind in own), None)
    return Judgement(
        item.task_id, item.response_id, verdicts, judge, failure, replies.raw, replies.prompt_tokens, replies.completion_tokens, rating
    )


def settle_batch(sent: Sequence[tuple[JudgeInput, Replies]], judge: str, *, canary_parsed: bool, scale: Scale = None) -> list[Judgement]:
    """settle for every answer that was sent to the judge in one batch (over-long ones were not)."""
    first = [replies.first_parsed for _, replies in sent]
    return [
        settle(item, replies, judge, induced=policy_induced(first, index, canary_parsed), scale=scale)
        for index, (item, replies) in enumerate(sent)
    ]


@dataclass(frozen=True, slots=True)
class Decision:
    """What an answer earns. kind: 'graded', 'over_length' or 'policy_induced' with a reward; a JudgeFailure without one."""

    reward: float | None
    kind: str


_FLAGGED = {JudgeFailure.OVER_LENGTH: "over_length", JudgeFailure.UNPARSEABLE: "policy_induced"}


def decide(rubrics: Sequence[Rubric], judgements: Sequence[Judgement], aggregation: str = "canonical") -> list[Decision]:
    """Reward or None for every judgement, unclipped. rubrics, judgements: length n, in the same order."""
    return [_decision(rubric, judgement, aggregation) for rubric, judgement in zip(rubrics, judgements, strict=True)]


def _decision(rubric: Rubric, judgement: Judgement, aggregation: str) -> Decision:
    reward = reward_of(rubric, judgement, aggregation)
    if reward is None:
        return Decision(None, str(judgement.failure or JudgeFailure.ABSTAINED))
    return Decision(reward, "graded" if judgement.failure is None else _FLAGGED[judgement.failure])


class FailureMonitor:
    """Running share of rollouts without a reward over the last `window`; says when a run must stop, and why.

    A flagged grade (over_length, policy-induced) is a grade. Judged from `judged_from` rollouts on.
    """

    def __init__(self, *, max_ungraded: float = MAX_UNGRADED, window: int = WINDOW, judged_from: int = JUDGED_FROM) -> None:
        self._max_ungraded, self._judged_from = max_ungraded, judged_from
        self._recent: deque[str | None] = deque(maxlen=window)

    def observe(self, rewards: Sequence[float | None], kinds: Sequence[str] = ()) -> str | None:
        """Take rewards in rollout order (and, for a better message, their kinds); the reason to stop, or None."""
        named = kinds or ["no grade"] * len(rewards)
        for reward, kind in zip(rewards, named, strict=True):
            self._recent.append(kind if reward is None else None)
            reason = self._reason()
            if reason is not None:
                return reason
        return None

    @property
    def share(self) -> float:
        """Share without a reward among the rollouts in the window; 0 before the first."""
        return sum(name is not None for name in self._recent) / len(self._recent) if self._recent else 0.0

    def _reason(self) -> str | None:
        seen = len(self._recent)
        if seen < self._judged_from or self.share <= self._max_ungraded:
            return None
        found = Counter(name for name in self._recent if name is not None)
        named = ", ".join(f"{kind}: {count}" for kind, count in sorted(found.items()))
        return f"{self.share:.1%} of the last {seen} rollouts have no grade ({named}); at most {self._max_ungraded:.0%} may"
