"""The language-model author: a mode's drafts, mended where a gate refuses them, with weak answers. What does not hold is a Rejection."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from rubric_factory.authoring.co_authors import name_of, with_co_authors
from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.dialogue import Ask, Conversations, Part
from rubric_factory.authoring.merge import RULE
from rubric_factory.authoring.modes import MODES, mode_of
from rubric_factory.authoring.prompting import prompt_hash
from rubric_factory.authoring.protocol import Authored, TaskNote
from rubric_factory.authoring.repair import repaired
from rubric_factory.authoring.worklist import Wish, failures_text
from rubric_factory.llm.breaker import Breaker
from rubric_factory.llm.protocol import LanguageModel
from rubric_factory.records import RUBRIC_BY, Message, Passage, Rejection, Task
from rubric_factory.settings import author as settings
from rubric_factory.settings.gates import GateSettings


def identity_of(section: settings.LanguageModelAuthor) -> str:
    """'model@revision prompts=<hash>': what goes into every row; with co-authors, all of them and the rule of the merge.

    The model need not be opened.
    """
    names = " + ".join(name_of(one) for one in settings.writers_of(section))
    return f"{names}{f' {RULE}' if section.merge else ''} prompts={prompt_hash(section)[:12]}"


def grade_of(section: settings.LanguageModelAuthor) -> str:
    """'model'; 'demo' where a model is a script."""
    return "demo" if any(getattr(one, "type", "") == "scripted" for one in settings.writers_of(section)) else "model"


def _focused(desk: Desk, sheet: Sheet, drafts: list[Draft], wishes: tuple[Wish, ...]) -> Part[tuple[list[Draft], list[Rejection]]]:
    """Further tasks, in slots of their own, on what a policy failed at. The former tasks stay as they are."""
    rubrics = [criterion for draft in drafts if draft.task for criterion in draft.task.rubric.criteria]
    questions = "\n".join(f"- {draft.task.question}" for draft in drafts if draft.task) or "(none)"
    (completion,) = yield Ask((desk.ask("focus", sheet, questions=questions, failures=failures_text(wishes, rubrics)),))
    found = desk.listed("tasks", completion, sheet)
    if isinstance(found, Rejection):
        return [], [replace(found, record_id=f"{found.record_id}/focus")]
    first = desk.section.writing.tasks_per_passage
    return [desk.draft(sheet, first + number, value) for number, value in enumerate(found)], []


def _with_weak_answers(desk: Desk, sheet: Sheet, drafts: list[Draft]) -> Part[list[Draft]]:
    """Drafts that nothing refuses, each with an answer written without the passage."""
    bare = [draft for draft in drafts if draft.task and not draft.faults and not draft.weak]
    if not bare or not desk.section.weak_answer:
        return drafts
    requests = [desk.ask("closed", sheet, f"closed/{draft.slot}", question=draft.task.question) for draft in bare if draft.task]
    completions = yield Ask(tuple(requests))
    answers = {draft.slot: desk.prose(completion, sheet) for draft, completion in zip(bare, completions, strict=True)}
    return [replace(draft, weak=answers.get(draft.slot, draft.weak)) for draft in drafts]


def _credited(desk: Desk, draft: Draft, task: Task) -> Task:
    """The task, which says whose rubrics are in it where they are not those of all authors."""
    return replace(task, author=f"{desk.identity}{RUBRIC_BY}{draft.rubric_by}") if draft.rubric_by else task


def _note(draft: Draft, sheet: Sheet, mode: str) -> TaskNote:
    return TaskNote(
        task_key=f"{sheet.passage.passage_key}/{draft.slot}",
        passage_id=sheet.passage.passage_id,
        mode=mode,
        difficulty=draft.difficulty,
        weak_answer=draft.weak,
        first_refusal=draft.first_refusal,
        repair_rounds=draft.rounds,
    )


def _passage(desk: Desk, sheet: Sheet, wishes: tuple[Wish, ...]) -> Part[Authored]:
    """The whole conversation about one passage."""
    mode = mode_of(desk.section)
    drafts, rejections = yield from MODES[mode](desk, sheet)
    if wishes:
        more, refused = yield from _focused(desk, sheet, drafts, wishes)
        drafts, rejections = drafts + more, rejections + refused
    drafts, left_out = yield from with_co_authors(desk, sheet, drafts)
    drafts = yield from repaired(desk, sheet, drafts)
    drafts = yield from _with_weak_answers(desk, sheet, drafts)
    lost = [sheet.rejection(draft.faults[0].reason, draft.faults[0].detail, draft.slot) for draft in drafts if draft.task is None]
    return Authored(
        sheet.passage.passage_id,
        tuple(_credited(desk, draft, draft.task) for draft in drafts if draft.task is not None),
        (*rejections, *left_out, *lost),
        notes=tuple(_note(draft, sheet, mode) for draft in drafts),
    )


class LanguageModelAuthor:
    """Author behind any LanguageModel. system_message: of the policy's prompt, may be empty; seed: of the requests and delimiters.

    gates, profile: what a draft is checked against before it counts as written; worklist: by passage_id, what a policy failed at.
    visible: by document_key, the part of a paper shown beside its withheld passages; for mode withheld_section alone.
    co_models: one for each co-author of the section, in their order.
    """

    def __init__(
        self,
        model: LanguageModel,
        section: settings.LanguageModelAuthor,
        system_message: str,
        seed: int,
        *,
        gates: GateSettings | None = None,
        profile: str = "standard",
        worklist: Mapping[str, tuple[Wish, ...]] | None = None,
        visible: Mapping[str, str] | None = None,
        co_models: Sequence[LanguageModel] = (),
    ) -> None:
        self._models, self._section, self._worklist = (model, *co_models), section, worklist or {}
        if len(self._models) != len(settings.writers_of(section)):
            raise ValueError("one model for each author")
        self._visible = (visible or {}) if isinstance(section.mode, settings.WithheldSectionMode) else None
        system = (Message("system", system_message),) if system_message else ()
        self._desk = Desk(section, seed, system, identity_of(section), grade_of(section), gates or GateSettings(), profile)

    @property
    def identity(self) -> str:
        """As identity_of."""
        return self._desk.identity

    @property
    def evidence_grade(self) -> str:
        """As grade_of."""
        return self._desk.evidence_grade

    def write(self, passages: Iterable[tuple[Passage, str]]) -> Iterator[Authored]:
        """As Author.write, in the order conversations end; passages that cannot be asked about last. Errors: as Conversations.run."""
        breakers = [Breaker(one.model, self._section.stop_after) for one in settings.writers_of(self._section)]
        unasked: list[Authored] = []
        yield from Conversations(self._models, breakers).run(self._begun(passages, unasked))
        yield from unasked

    def _begun(
        self, passages: Iterable[tuple[Passage, str]], unasked: list[Authored]
    ) -> Iterator[tuple[str, Callable[[], Part[Authored]]]]:
        """How each conversation begins. unasked: takes those that have nothing to be asked from."""
        for passage, title in passages:
            sheet = Sheet(passage, title, "" if self._visible is None else self._visible.get(passage.document_key, ""))
            if self._visible is not None and not sheet.visible:
                refusal = sheet.rejection(
                    "no_visible_part", "no front matter or methods of its document are known: run rubric-factory passages first"
                )
                unasked.append(Authored(passage.passage_id, rejections=(refusal,)))
                continue
            yield passage.passage_id, partial(_passage, self._desk, sheet, self._worklist.get(passage.passage_id, ()))
