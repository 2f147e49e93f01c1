"""contrast: answers of different strength first, then criteria that separate them.

After ROPD (arXiv 2605.07396: rubrics from teacher answers against student rollouts) and OpenRubrics (arXiv 2510.07743: contrastive rubric
generation). The strong answer is the reference, written with the passage; the weaker ones are a hasty one with it and one without it.
"""

from dataclasses import replace

from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.dialogue import Ask, Part
from rubric_factory.authoring.modes.questions import questions_with_references, rubrics
from rubric_factory.records import Rejection


def contrast(desk: Desk, sheet: Sheet) -> Part[tuple[list[Draft], list[Rejection]]]:
    """One call for the questions; for each of them a reference, two weaker answers, and a rubric that tells them apart."""
    asked, rejections = yield from questions_with_references(desk, sheet)
    if not asked:
        return [], rejections
    hasty = [desk.ask("brief", sheet, f"brief/{one.slot}", question=one.question.question) for one in asked]
    closed = [desk.ask("closed", sheet, f"closed/{one.slot}", question=one.question.question) for one in asked]
    answers = yield Ask((*hasty, *closed))
    weaker = {}
    for one, brief, without in zip(asked, answers[: len(asked)], answers[len(asked) :], strict=True):
        weaker[one.slot] = (desk.prose(brief, sheet), desk.prose(without, sheet))
        if not all(weaker[one.slot]):
            rejections.append(sheet.rejection("no_weaker_answer", "an answer to tell the reference from is missing", one.slot))
    asked = [one for one in asked if all(weaker[one.slot])]
    if not asked:
        return [], rejections
    completions = yield Ask(
        tuple(
            desk.ask(
                "contrast",
                sheet,
                f"contrast/{one.slot}",
                question=one.question.question,
                reference=one.reference,
                brief=weaker[one.slot][0],
                closed=weaker[one.slot][1],
            )
            for one in asked
        )
    )
    drafts, refused = rubrics(desk, sheet, asked, completions)
    return [replace(draft, weak=weaker[draft.slot][1]) for draft in drafts], rejections + refused
