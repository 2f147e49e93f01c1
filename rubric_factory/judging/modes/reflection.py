"""Several analyses of one answer, all criteria in each, then one call that says which of them to keep. After ReflectRM, arXiv 2604.07506.

The paper trains a model for both; here one judge is asked for both. Only whole analyses (a level on every criterion) can be kept, and only
those whose levels differ are shown: where all agree there is nothing to choose, and no further call.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rubric_factory.judging import parser, prompting
from rubric_factory.judging.modes import all_criteria
from rubric_factory.judging.modes.protocol import Call, Mode
from rubric_factory.judging.parser import MAX_REASON, Unparseable
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Criterion, Message, Verdict, content_id
from rubric_factory.settings.judge import ModelGradingSettings

Analysis = tuple[Verdict, ...]


def _calls(item: JudgeInput, grading: ModelGradingSettings) -> Sequence[Call]:
    (call,) = all_criteria.MODE.calls(item, grading)
    return [replace(call, sample=number) for number in range(grading.analyses)]


def _schema(count: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"reason": {"type": "string", "maxLength": MAX_REASON}, "preferred": {"enum": [*range(1, count + 1), None]}},
        "required": ["reason", "preferred"],
        "additionalProperties": False,
    }


def read(reply: str, shown: Sequence[Analysis]) -> Analysis | None:
    """The preferred analysis, None for a null one. Errors: Unparseable, and nothing else, for any text."""
    found = parser.read_object(reply)
    if list(found) != ["reason", "preferred"] or not isinstance(found["reason"], str):
        raise Unparseable("not exactly a reason and then a preferred analysis")
    preferred = found["preferred"]
    if preferred is None:
        return None
    if type(preferred) is not int or not 1 <= preferred <= len(shown):
        raise Unparseable(f"preferred is not an integer within 1 .. {len(shown)}")
    return shown[preferred - 1]


def _text(analysis: Analysis, criteria: Sequence[Criterion]) -> str:
    pairs = zip(parser.names(criteria), analysis, strict=True)
    return "\n".join(f"{name}: level {verdict.level}: {' '.join(verdict.reason.split())}" for name, verdict in pairs)


def choose(item: JudgeInput, analyses: Sequence[Analysis]) -> Call | None:
    """The call that chooses between whole analyses; None where their levels are the same.

    They stand in an order drawn by answer and levels, so that no analysis gains by its place over many answers.
    """
    distinct = {tuple(verdict.level for verdict in analysis): analysis for analysis in reversed(analyses)}
    if len(distinct) < 2:
        return None
    ranked = sorted(distinct, key=lambda levels: content_id("analysis", item.task_id, item.response_id, item.draw, list(levels)))
    shown = [distinct[levels] for levels in ranked]
    criteria = item.rubric.criteria
    blocks = [f"=== ANALYSIS {n} ===\n{prompting.fenced(_text(analysis, criteria))}" for n, analysis in enumerate(shown, start=1)]
    values = {
        "passage": prompting.fenced(item.passage),
        "question": prompting.fenced(item.question),
        "rubric": prompting.fenced(prompting.rubric_text(criteria)),
        "response": prompting.fenced(item.response),
        "analyses": "\n\n".join(blocks),
    }
    system, user = (prompting.template(f"{name}_reflection") for name in ("system", "user"))
    messages = (Message("system", system), Message("user", prompting.fill(user, values)))
    return Call(messages, _schema(len(shown)), lambda reply: read(reply, shown), criteria)


MODE = Mode((*all_criteria.MODE.prompts, "system_reflection", "user_reflection"), _calls, choose=choose)
