"""Several authors: question and reference answer stay the author's, each co-author writes a rubric for them, and the rubrics are merged.

A co-author that has not answered yet leaves the passage for the next run, like the author. One that answered with nothing of use, or was
given up, costs no task: the others' rubrics are merged, or the author's stands alone. The row then says whose rubrics are in it, and a
Rejection why one is missing.
"""

from dataclasses import replace

from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.dialogue import Ask, Part
from rubric_factory.authoring.evidence import locate
from rubric_factory.authoring.merge import Merged, Offer, merge
from rubric_factory.authoring.reply import RubricReply, TaskReply
from rubric_factory.llm.protocol import Completion
from rubric_factory.records import Rejection
from rubric_factory.settings.author import writers_of
from rubric_factory.settings.llm import LanguageModelSection


def name_of(section: LanguageModelSection) -> str:
    """'model@revision'."""
    return f"{section.model}@{section.revision}"


def _offers(rubrics: dict[int, RubricReply], sheet: Sheet) -> list[Offer]:
    """The criteria of all rubrics, by the number of their author, with their evidence located."""
    found = []
    for author, rubric in rubrics.items():
        for number, reply in enumerate(rubric.criteria):
            spans = [locate(quote, sheet.passage.text) for quote in reply.evidence]
            known = tuple(span for span in spans if span is not None)
            found.append(Offer(author, number, reply, known if len(known) == len(spans) else ()))
    return found


def _drafted(desk: Desk, sheet: Sheet, draft: Draft, merged: Merged) -> Draft:
    """The draft with the merged rubric. A criterion's ordinal is its place in its author's rubric, behind all places of those before."""
    places = desk.section.writing.max_criteria
    criteria = [one.reply.model_dump(mode="json", exclude={"number"}) for one in merged.kept]
    ordinals = tuple(one.offer.author * places + one.offer.number for one in merged.kept)
    made = desk.draft(sheet, draft.slot, {**draft.written, "criteria": criteria}, ordinals=ordinals)
    return replace(made, weak=draft.weak)


def _merged(
    desk: Desk, sheet: Sheet, draft: Draft, own: RubricReply, answers: dict[int, RubricReply | Rejection]
) -> tuple[Draft, list[Rejection]]:
    """One draft merged with what its co-authors answered, and what was left out."""
    writers = [name_of(one) for one in writers_of(desk.section)]
    merging, name = desk.section.merge, f"{sheet.passage.passage_id}/{draft.slot}"
    if merging is None:
        raise AssertionError("asked with co-authors alone")
    rejections = [
        Rejection(f"{name}/author-{number + 1}", "author", "co_author_without_rubric", f"{writers[number]}: {one.reason}: {one.detail}")
        for number, one in answers.items()
        if isinstance(one, Rejection)
    ]
    rubrics = {0: own, **{number: one for number, one in answers.items() if isinstance(one, RubricReply)}}
    by = "" if len(rubrics) == len(writers) else ",".join(writers[number] for number in rubrics)
    if len(rubrics) == 1:
        return replace(draft, rubric_by=by), rejections
    writing = desk.section.writing
    merged = merge(_offers(rubrics, sheet), low=writing.min_criteria, high=writing.max_criteria, threshold=merging.agreement)
    for reason, offer in merged.dropped:
        key = f"{name}/{offer.author * writing.max_criteria + offer.number}"
        said = sheet.rejection(reason, f"{writers[offer.author]}: {offer.reply.title}: {offer.reply.description}")
        rejections.append(replace(said, record_id=key))
    return replace(_drafted(desk, sheet, draft, merged), rubric_by=by), rejections


def with_co_authors(desk: Desk, sheet: Sheet, drafts: list[Draft]) -> Part[tuple[list[Draft], list[Rejection]]]:
    """The drafts with merged rubrics, in slot order, as they were without co-authors; and a Rejection for all that was left out.

    A draft that breaks the schema has no rubric to merge: it stays the author's alone, repaired or not.
    """
    writers = writers_of(desk.section)
    if desk.section.merge is None or not drafts:
        return drafts, []
    read = {draft.slot: desk.item("tasks", draft.written, TaskReply, sheet, draft.slot) for draft in drafts}
    whole = {slot: one for slot, one in read.items() if isinstance(one, TaskReply)}
    done, rejections = {}, []
    for draft in drafts:
        if draft.slot not in whole:
            done[draft.slot] = replace(draft, rubric_by=name_of(writers[0]))
            detail = f"{name_of(writers[0])} alone: {draft.faults[0].detail if draft.faults else 'it breaks the schema'}"
            found = sheet.rejection("rubric_not_merged", detail, draft.slot)
            rejections.append(replace(found, record_id=f"{found.record_id}/merge"))
    if not whole:
        return [done[draft.slot] for draft in drafts], rejections
    asked = [(slot, number) for slot in whole for number in range(1, len(writers))]
    requests = [
        desk.of_writer(number).ask(
            "rubric", sheet, f"rubric/{slot}/{number}", question=whole[slot].question, reference=whole[slot].reference_answer
        )
        for slot, number in asked
    ]

    def fault(completion: Completion) -> str:
        found = desk.single("rubric", completion, RubricReply, sheet, 0)
        return f"{found.reason}: {found.detail}" if isinstance(found, Rejection) else ""

    first = drafts[0].faults[0] if all(draft.task is None for draft in drafts) else None
    useless = f"{first.reason}: {first.detail}" if first else ""
    completions = yield Ask(tuple(requests), useless, tuple(number for _, number in asked), fault)
    answers: dict[int, dict[int, RubricReply | Rejection]] = {slot: {} for slot in whole}
    for (slot, number), completion in zip(asked, completions, strict=True):
        answers[slot][number] = desk.single("rubric", completion, RubricReply, sheet, slot)
    for draft in drafts:
        if draft.slot in whole:
            own = RubricReply(criteria=whole[draft.slot].criteria)
            done[draft.slot], left_out = _merged(desk, sheet, draft, own, answers[draft.slot])
            rejections += left_out
    return [done[draft.slot] for draft in drafts], rejections
