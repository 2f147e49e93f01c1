"""What the modes of several calls share: questions with their reference answers first, whole drafts from rubrics last."""

from dataclasses import dataclass

from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.dialogue import Ask, Part
from rubric_factory.authoring.reply import QuestionReply, ReferenceReply, RubricReply
from rubric_factory.llm.protocol import Completion
from rubric_factory.records import Rejection


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its reference answer, for one slot."""

    slot: int
    question: QuestionReply
    reference: str


def questions_with_references(desk: Desk, sheet: Sheet) -> Part[tuple[list[Asked], list[Rejection]]]:
    """One call for the questions, one for each reference answer."""
    (completion,) = yield Ask((desk.ask("questions", sheet),))
    listed = desk.listed("questions", completion, sheet)
    if isinstance(listed, Rejection):
        return [], [listed]
    read = {slot: desk.item("questions", value, QuestionReply, sheet, slot) for slot, value in enumerate(listed)}
    questions = {slot: one for slot, one in read.items() if isinstance(one, QuestionReply)}
    rejections = [one for one in read.values() if isinstance(one, Rejection)]
    if not questions:
        return [], rejections
    completions = yield Ask(
        tuple(desk.ask("reference", sheet, f"reference/{slot}", question=one.question) for slot, one in questions.items())
    )
    asked = []
    for (slot, question), answer in zip(questions.items(), completions, strict=True):
        reference = desk.single("reference", answer, ReferenceReply, sheet, slot)
        if isinstance(reference, Rejection):
            rejections.append(reference)
        else:
            asked.append(Asked(slot, question, reference.reference_answer))
    return asked, rejections


def rubrics(desk: Desk, sheet: Sheet, asked: list[Asked], completions: list[Completion]) -> tuple[list[Draft], list[Rejection]]:
    """Whole drafts from the rubrics that came back, one for each of `asked`."""
    drafts, rejections = [], []
    for one, answer in zip(asked, completions, strict=True):
        rubric = desk.single("rubric", answer, RubricReply, sheet, one.slot)
        if isinstance(rubric, Rejection):
            rejections.append(rubric)
            continue
        criteria = rubric.model_dump(mode="json", exclude={"criteria": {"__all__": {"number"}}})
        value = {**one.question.model_dump(mode="json"), "reference_answer": one.reference, **criteria}
        drafts.append(desk.draft(sheet, one.slot, value))
    return drafts, rejections
