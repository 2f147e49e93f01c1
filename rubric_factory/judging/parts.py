"""The calls that one answer takes, through all their tries, and what they come to together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rubric_factory.judging.failures import Replies
from rubric_factory.judging.modes import Call, Found
from rubric_factory.judging.parser import Unparseable
from rubric_factory.llm.protocol import Completion, CompletionFailure
from rubric_factory.records import Criterion, JudgeFailure, Rating, Verdict

# A cut-off reply is one that cannot be parsed; one that has not come yet is a transport matter.
_FAILURES = {
    CompletionFailure.TRANSPORT: JudgeFailure.TRANSPORT,
    CompletionFailure.UNANSWERED: JudgeFailure.TRANSPORT,
    CompletionFailure.BAD_REQUEST: JudgeFailure.TRANSPORT,
    CompletionFailure.GIVEN_UP: JudgeFailure.TRANSPORT,
    CompletionFailure.TIMEOUT: JudgeFailure.TIMEOUT,
    CompletionFailure.REFUSED: JudgeFailure.REFUSED,
    CompletionFailure.TRUNCATED: JudgeFailure.UNPARSEABLE,
}
# Where calls of one answer fail for different reasons, the first of these is the answer's: what says least about the answer goes first.
_FIRST = (JudgeFailure.TRANSPORT, JudgeFailure.TIMEOUT, JudgeFailure.REFUSED, JudgeFailure.ABSTAINED, JudgeFailure.UNPARSEABLE)
# What says nothing about the answer, and is asked again.
OUTAGES = _FIRST[:2]


@dataclass(frozen=True, slots=True)
class Part:
    """One call after its tries so far. found: what the last readable reply says; failure: why there is none, of the last try."""

    criteria: tuple[Criterion, ...] = ()
    found: Found = None
    failure: JudgeFailure | None = None
    first_parsed: bool = False
    raw: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def again(self) -> bool:
        """Whether another try may help: no reply could be read, or a quote is not in the response."""
        return self.failure is JudgeFailure.UNPARSEABLE or (self.failure is None and _void(self.found))


def _void(found: Found) -> bool:
    return isinstance(found, tuple) and any(verdict.failure is JudgeFailure.UNPARSEABLE for verdict in found)


def after(part: Part, completion: Completion, call: Call, *, first: bool) -> Part:
    """The part after one more reply: tokens are summed, the raw text goes with what is kept. first: whether it is the first try.

    Once a reply could be read, a later try that fails takes nothing away: "unparseable" is only what never could be.
    """
    found, failure, raw = _read(completion, call)
    part = replace(
        part,
        criteria=call.criteria,
        first_parsed=failure in (None, JudgeFailure.ABSTAINED) if first else part.first_parsed,
        prompt_tokens=part.prompt_tokens + completion.prompt_tokens,
        completion_tokens=part.completion_tokens + completion.completion_tokens,
    )
    return part if failure is not None and part.found is not None else replace(part, found=found, failure=failure, raw=raw)


def _read(completion: Completion, call: Call) -> tuple[Found, JudgeFailure | None, str]:
    if completion.failure is not None:
        return None, _FAILURES[completion.failure], completion.text or completion.detail
    try:
        found = call.read(completion.text)
    except Unparseable:
        return None, JudgeFailure.UNPARSEABLE, completion.text
    return found, JudgeFailure.ABSTAINED if found is None else None, completion.text


def merged(parts: Sequence[Part]) -> Replies:
    """All parts of one answer. Where some failed, their criteria get verdicts without a level; where all did, there are no verdicts."""
    failures = {part.failure for part in parts}
    ratings = [part.found for part in parts if isinstance(part.found, Rating)]
    return Replies(
        verdicts=tuple(verdict for part in parts for verdict in _verdicts(part)) if None in failures else (),
        failure=next((kind for kind in _FIRST if kind in failures), None),
        first_parsed=sum(part.first_parsed for part in parts) / len(parts),
        raw="\n".join(part.raw for part in parts),
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        completion_tokens=sum(part.completion_tokens for part in parts),
        rating=ratings[0] if ratings else None,
    )


def whole(parts: Sequence[Part]) -> list[tuple[Verdict, ...]]:
    """What the parts that give a level on every criterion say, in their order."""
    found = [part.found for part in parts if isinstance(part.found, tuple)]
    return [verdicts for verdicts in found if all(verdict.level is not None for verdict in verdicts)]


def chosen(parts: Sequence[Part], choice: Part | None) -> Replies:
    """Analyses of one answer and the call that chose between them, None where nothing was to be chosen.

    An outage of any call: no grade. Analyses that are not whole cannot be kept, unless none is. An answer whose analyses could be read has
    not made the judge's reply unreadable: a choice that cannot be read is an abstention.
    """
    outage = next((part for kind in OUTAGES for part in parts if part.failure is kind), None)
    readable = [part for part in parts if isinstance(part.found, tuple)]
    kept = outage or next((part for part in readable if len(whole([part]))), None) or next(iter(readable), None)
    if choice is not None and choice.failure is JudgeFailure.UNPARSEABLE:
        choice = replace(choice, failure=JudgeFailure.ABSTAINED)
    one = choice or kept
    calls = (*parts, choice) if choice else tuple(parts)
    every = merged(parts)
    return replace(
        merged([one]) if one else every,
        first_parsed=every.first_parsed,
        raw="\n".join(part.raw for part in calls),
        prompt_tokens=sum(part.prompt_tokens for part in calls),
        completion_tokens=sum(part.completion_tokens for part in calls),
    )


def _verdicts(part: Part) -> tuple[Verdict, ...]:
    if isinstance(part.found, tuple):
        return part.found
    return tuple(Verdict(c.criterion_key, None, failure=part.failure) for c in part.criteria)
