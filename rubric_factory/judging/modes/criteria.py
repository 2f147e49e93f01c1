"""What the modes that judge criterion by criterion share: the rubric cut into calls, and verdicts with quotes looked up."""

from collections.abc import Sequence

from rubric_factory.judging import parser, prompting
from rubric_factory.judging.modes.protocol import Call
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Criterion, Verdict
from rubric_factory.settings.judge import ModelGradingSettings

PROMPTS = ("system", "user")


def in_calls(item: JudgeInput, size: int, grading: ModelGradingSettings) -> tuple[Call, ...]:
    """Calls of at most `size` criteria each, in rubric order. A call shows the criteria it asks about and no other."""
    criteria = item.rubric.criteria
    return tuple(_call(item, criteria[start : start + size], grading) for start in range(0, len(criteria), size))


def _call(item: JudgeInput, criteria: Sequence[Criterion], grading: ModelGradingSettings) -> Call:
    def read(reply: str) -> tuple[Verdict, ...]:
        return parser.parse(reply, criteria, prompting.neutral(item.response), must_quote=grading.quotes == "required")

    return Call(prompting.messages(item, criteria), parser.reply_schema(criteria), read, tuple(criteria))
