"""passage: tasks from the passage alone, in one call or in three."""

from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.dialogue import Ask, Part
from rubric_factory.authoring.modes.questions import questions_with_references, rubrics
from rubric_factory.records import Rejection


def in_one_call(desk: Desk, sheet: Sheet) -> Part[tuple[list[Draft], list[Rejection]]]:
    """All tasks of a passage in one reply."""
    (completion,) = yield Ask((desk.ask("tasks", sheet),))
    found = desk.listed("tasks", completion, sheet)
    if isinstance(found, Rejection):
        return [], [found]
    return [desk.draft(sheet, slot, value) for slot, value in enumerate(found)], []


def in_three_calls(desk: Desk, sheet: Sheet) -> Part[tuple[list[Draft], list[Rejection]]]:
    """Questions, then each reference answer, then each rubric (arXiv 2507.17746: rubrics written with a reference are better)."""
    asked, rejections = yield from questions_with_references(desk, sheet)
    if not asked:
        return [], rejections
    requests = [desk.ask("rubric", sheet, f"rubric/{one.slot}", question=one.question.question, reference=one.reference) for one in asked]
    completions = yield Ask(tuple(requests))
    drafts, refused = rubrics(desk, sheet, asked, completions)
    return drafts, rejections + refused
