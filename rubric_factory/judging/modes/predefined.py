"""Baseline of arXiv 2507.17746: four uniform items, the same for every task, in the place of its rubric; the rating is how many are met.

The wording is ours. The verdicts are on these items, not on the task's criteria: they become a rating and are never stored as verdicts.
"""

from rubric_factory.judging import parser, prompting
from rubric_factory.judging.modes.criteria import PROMPTS
from rubric_factory.judging.modes.protocol import Call, Mode
from rubric_factory.judging.parser import MAX_REASON
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Category, Criterion, Level, Rating

_GUIDE = (Level(0, "no"), Level(1, "yes"))
_ITEMS = (
    ("Correct", "What the response says is right; nothing in it misleads."),
    ("Complete", "The response answers every part of the question in enough detail."),
    ("Concise", "The response keeps to the point and repeats nothing."),
    ("Helpful", "The response is of use to somebody who asks this question."),
)
ITEMS = tuple(Criterion(f"predefined/{n}", t, d, Category.IMPORTANT, 1, (), _GUIDE, (), ()) for n, (t, d) in enumerate(_ITEMS))


def read(reply: str, response: str) -> Rating | None:
    """How many items are met; None where the judge abstains from any, or quotes what is not there. Errors: Unparseable, for any text."""
    levels = [(verdict.level, verdict.reason) for verdict in parser.parse(reply, ITEMS, response)]
    met = [level for level, _ in levels if level is not None]
    if len(met) < len(ITEMS):
        return None
    return Rating(sum(met), 0, len(ITEMS), " ".join(reason for _, reason in levels)[:MAX_REASON])


def _calls(item: JudgeInput, grading: object) -> tuple[Call, ...]:
    shown = prompting.neutral(item.response)
    return (Call(prompting.messages(item, ITEMS), parser.reply_schema(ITEMS), lambda reply: read(reply, shown)),)


MODE = Mode(PROMPTS, _calls, (0, len(ITEMS)))
