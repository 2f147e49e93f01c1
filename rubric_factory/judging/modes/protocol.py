"""What a mode of grading is: which calls one answer takes, how each reply is read, and on what scale, where it gives a rating."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Criterion, Message, Rating, Verdict
from rubric_factory.settings.judge import ModelGradingSettings

# What a reply says: verdicts on the criteria of its call, or a rating of the whole response; None: the judge abstains from rating.
Found = tuple[Verdict, ...] | Rating | None


@dataclass(frozen=True, slots=True)
class Call:
    """One call about one answer. read: reply to Found, errors Unparseable and nothing else. criteria: whose verdicts it asks for.

    sample: number of a call among several with the same messages, which then need another seed each and a temperature; None: the only one.
    """

    messages: tuple[Message, ...]
    schema: dict[str, Any] = field(hash=False)
    read: Callable[[str], Found] = field(compare=False)
    criteria: tuple[Criterion, ...] = ()
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to grade. prompts: files under prompts/; scale: lowest and highest rating, None where it gives verdicts by criterion.

    choose: where the calls are analyses of the same criteria, the call that says which to keep; None from it: they are all alike.
    """

    prompts: tuple[str, ...]
    calls: Callable[[JudgeInput, ModelGradingSettings], Sequence[Call]]
    scale: tuple[int, int] | None = None
    choose: Callable[[JudgeInput, Sequence[tuple[Verdict, ...]]], Call | None] | None = None
