"""What a judge found: verdicts or a rating, or why there is no grade."""

from dataclasses import dataclass
from enum import StrEnum

from rubric_factory.records.base import require


class JudgeFailure(StrEnum):
    """Why there is no grade. Never a score: 0.0 is a grade, none of these is."""

    TRANSPORT = "transport"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNPARSEABLE = "unparseable"
    ABSTAINED = "abstained"
    OVER_LENGTH = "over_length"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's finding on one criterion: a level, or why there is none. reason is the judge's own words, untrusted.

    agreement: of an ensemble's verdict, the share of its members that give this level (where there is none: the level most of them give);
    None of a single judge, and where the level was set by rule.
    """

    criterion_key: str
    level: int | None
    reason: str = ""
    failure: JudgeFailure | None = None
    agreement: float | None = None

    def __post_init__(self) -> None:
        require((self.level is None) == (self.failure is not None), "Verdict", "a level or a failure, never both or neither")
        require(self.level is None or self.level >= 0, "Verdict", "level >= 0")


@dataclass(frozen=True, slots=True)
class Rating:
    """One grade of a whole response, lowest <= value <= highest, by a judge that gives no verdicts (a baseline). reason is untrusted."""

    value: int
    lowest: int
    highest: int
    reason: str = ""

    def __post_init__(self) -> None:
        require(self.lowest < self.highest, "Rating", "lowest < highest")
        require(self.lowest <= self.value <= self.highest, "Rating", "lowest <= value <= highest")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge made of one response to one task: verdicts in rubric order, or a rating of the whole, never both.

    failure: why a verdict, or everything, is missing; on verdicts or a rating that are there, the rule by which they were set.
    members: of an ensemble's judgement, what each of its judges made of the response, in their order.
    """

    task_id: str
    response_id: str
    verdicts: tuple[Verdict, ...]
    judge: str
    failure: JudgeFailure | None = None
    raw: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rating: Rating | None = None
    members: tuple["Judgement", ...] = ()

    def __post_init__(self) -> None:
        require(self.rating is None or not self.verdicts, "Judgement", "verdicts or a rating, not both")

    @property
    def by_rule(self) -> bool:
        """Whether its verdicts were set by the rule that failure names (over length, policy-induced): no level of them is the judge's."""
        flagged = self.failure in (JudgeFailure.OVER_LENGTH, JudgeFailure.UNPARSEABLE) and bool(self.verdicts)
        return flagged and all(verdict.level is not None for verdict in self.verdicts)
