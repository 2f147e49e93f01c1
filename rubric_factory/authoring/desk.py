"""What every mode of the language-model author works with: requests of its steps, replies read strictly, drafts checked by the gates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from rubric_factory.authoring import marking, prompting
from rubric_factory.authoring.assemble import EvidenceMissingError, assemble
from rubric_factory.authoring.prompting import Step, canary
from rubric_factory.authoring.reply import Kind, TaskReply, item_model, items
from rubric_factory.authoring.visible import VisibleEvidenceError, refuse_told
from rubric_factory.gates.grader_instructions import suspicious
from rubric_factory.gates.protocol import GateInput, Severity
from rubric_factory.gates.table import GATES, check_task
from rubric_factory.llm.protocol import Completion, Request
from rubric_factory.llm.structured import json_text
from rubric_factory.records import Message, Passage, Rejection, Task
from rubric_factory.settings.author import LanguageModelAuthor, writers_of
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import clean, printable

_Item = TypeVar("_Item", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One passage on the desk, with its document's title; visible: the part of a paper that is shown beside a withheld passage."""

    passage: Passage
    title: str
    visible: str = ""

    def rejection(self, reason: str, detail: str, slot: int | None = None) -> Rejection:
        """Of the passage, or of what was to become the task in a slot: record_id is then '<passage_id>/<slot>'."""
        name = self.passage.passage_id if slot is None else f"{self.passage.passage_id}/{slot}"
        return Rejection(name, "author", reason, printable(detail))


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a draft cannot stay as it is: a gate's name or a reason, and the detail with its figure."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One slot so far. written: JSON value that the author gave; ordinals: of its criteria, in order; task: where it could be assembled.

    first_refusal, rounds, weak: as in TaskNote. rubric_by: whose rubrics are in it, '' where those of all authors are.
    """

    slot: int
    written: Any
    ordinals: tuple[int, ...]
    task: Task | None
    faults: tuple[Fault, ...]
    first_refusal: str = ""
    rounds: int = 0
    weak: str = ""
    rubric_by: str = ""

    @property
    def difficulty(self) -> str:
        """What the author says it wrote for; '' where it broke the schema."""
        said = self.written.get("difficulty") if isinstance(self.written, dict) and self.task is not None else ""
        return said if isinstance(said, str) else ""


@dataclass(frozen=True, slots=True)
class Desk:
    """Settings of one author. system: messages before the question in the policy's prompt; profile: of the contracts, decides the gates."""

    section: LanguageModelAuthor
    seed: int
    system: tuple[Message, ...]
    identity: str
    evidence_grade: str
    gates: GateSettings
    profile: str

    def ask(self, step: Step, sheet: Sheet, part: str = "", **values: str) -> Request:
        """A request of a step about a passage."""
        if sheet.visible:
            values["visible"] = self._marked(sheet.visible, sheet)
        return prompting.request(step, self.section, self.seed, sheet.passage, sheet.title, part=part, **values)

    def _marked(self, text: str, sheet: Sheet) -> str:
        return marking.blanked(text, sheet.passage, self.seed) if self.section.writing.datamarking else text

    def of_writer(self, number: int) -> "Desk":
        """The desk with the sampling of another author, by its number."""
        return replace(self, section=self.section.model_copy(update={"sampling": writers_of(self.section)[number].sampling}))

    def _said(self, completion: Completion, sheet: Sheet, slot: int | None) -> str | Rejection:
        """The text of an answer, or why it is none: it failed, or it tells what only the system message holds."""
        if completion.failure is not None:
            return sheet.rejection(str(completion.failure), completion.detail, slot)
        if canary(self.seed) in completion.text.lower():
            return sheet.rejection("canary_leaked", "the reply repeats the code of its instructions: something spoke to the author", slot)
        return completion.text

    def _plain(self, value: Any, sheet: Sheet) -> Any:
        return marking.unmarked(value, sheet.passage, self.seed) if self.section.writing.datamarking else value

    def _json(self, said: str, sheet: Sheet) -> Any:
        """The JSON value of a reply. Errors: ValueError for what is none."""
        return self._plain(from_json(json_text(said), allow_inf_nan=False), sheet)

    def prose(self, completion: Completion, sheet: Sheet) -> str:
        """A free-text answer as clean text; '' where there is none."""
        said = self._said(completion, sheet, None)
        return "" if isinstance(said, Rejection) else clean(self._plain(said, sheet))[0].strip()

    def listed(self, kind: Kind, completion: Completion, sheet: Sheet) -> list[Any] | Rejection:
        """The items of a reply that lists some, not yet checked, at least one; or why there are none."""
        said = self._said(completion, sheet, None)
        if isinstance(said, Rejection):
            return said
        try:
            reply = self._json(said, sheet)
        except ValueError as error:
            return sheet.rejection("unparseable_reply", str(error))
        if not isinstance(reply, dict) or set(reply) != {"tasks"} or not isinstance(reply["tasks"], list):
            return sheet.rejection("schema_violation", "the reply is not one object with the list 'tasks' alone")
        most, found = items(kind, self.section.writing) or 0, reply["tasks"]
        if not found:
            return sheet.rejection("nothing_to_ask", "the author found nothing in the passage to ask about")
        if len(found) > most:
            return sheet.rejection("schema_violation", f"{len(found)} items in 'tasks', at most {most} were asked for")
        return list(found)

    def item(self, kind: Kind, value: Any, into: type[_Item], sheet: Sheet, slot: int) -> _Item | Rejection:
        """One item with the limits of the settings, or why it is none."""
        try:
            return self._checked(kind, value, into)
        except ValidationError as error:
            return sheet.rejection("schema_violation", _place(error), slot)

    def single(self, kind: Kind, completion: Completion, into: type[_Item], sheet: Sheet, slot: int) -> _Item | Rejection:
        """A reply that is one item itself."""
        said = self._said(completion, sheet, slot)
        if isinstance(said, Rejection):
            return said
        try:
            value = self._json(said, sheet)
        except ValueError as error:
            return sheet.rejection("unparseable_reply", str(error), slot)
        return self.item(kind, value, into, sheet, slot)

    def _checked(self, kind: Kind, value: Any, into: type[_Item]) -> _Item:
        text = to_json(value)  # strict models read lists as tuples from JSON alone
        item_model(kind, self.section.writing).model_validate_json(text)
        return into.model_validate_json(text)

    @property
    def _places(self) -> int:
        """Ordinals that are kept for criteria of several authors, whether they stay or not; 0 for one author."""
        return self.section.writing.max_criteria * len(writers_of(self.section)) if self.section.merge else 0

    def draft(self, sheet: Sheet, slot: int, value: Any, former: Draft | None = None, *, ordinals: tuple[int, ...] | None = None) -> Draft:
        """A task as the author wrote it, checked as far as one task can be. former: what it mends; its criteria keep their keys.

        ordinals: of its criteria, where they are known.
        """
        ordinals = _ordinals(value, former, self._places) if ordinals is None else ordinals
        blank = Draft(slot, value, ordinals, None, ())
        try:
            reply = self._checked("repair" if former else "tasks", value, TaskReply)
            own = {"system": self.system, "author": self.identity, "evidence_grade": self.evidence_grade}
            task = assemble(reply, sheet.passage, slot, ordinals, **own)  # type: ignore[arg-type]
            if sheet.visible:
                refuse_told(task, sheet.visible)
        except ValidationError as error:
            return replace(blank, faults=_schema_faults(value, error))
        except VisibleEvidenceError as error:
            return replace(blank, faults=(Fault("evidence_visible", str(error)),))
        except EvidenceMissingError as error:
            blanks = [Fault("schema_violation", "a quote of nothing but blanks")] if _blank_quote(reply) else []
            return replace(blank, faults=(Fault("evidence_not_verbatim", str(error)), *blanks))
        except ValueError as error:
            return replace(blank, faults=(Fault("invalid_rubric", str(error)),))
        findings = check_task(GateInput(task, sheet.passage, sheet.title), self.gates, self.profile)
        refused = {name: found for name, found in findings.items() if not found.passed and GATES[name].severity is Severity.ERROR}
        faults = tuple(Fault(name, f"figure {found.figure:g}: {found.detail}") for name, found in refused.items())
        return replace(blank, task=task, faults=faults)


def _blank_quote(reply: TaskReply) -> bool:
    return any(not quote.strip() for criterion in reply.criteria for quote in criterion.evidence)


def _strings(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """(field, text) of every string of a JSON value; what an author wrote is looked at even where it has no form."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, field)


def _schema_faults(value: Any, error: ValidationError) -> tuple[Fault, ...]:
    """The violation, and beside it what else is wrong with it: a size (of a text, a rubric or its evidence), words to a grader."""
    found = [Fault("schema_violation", _place(error))]
    found += [Fault("grader_instructions", printable(phrase, 120)) for phrase in suspicious(_strings(value, "task"))]
    for each in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in each["loc"])
        if each["type"] in ("string_too_long", "string_too_short"):
            found.append(Fault("lengths", f"{where}: {each['msg']}"))
        elif each["type"] == "too_long" and each["loc"][-1:] == ("evidence",):
            found.append(Fault("padding", f"{where}: {each['msg']}"))
        elif each["loc"] == ("criteria",) and each["type"] in ("too_long", "too_short"):
            found.append(Fault("criteria_band", each["msg"]))
    return tuple({fault.reason: fault for fault in reversed(found)}.values())[::-1]


def _place(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the task"
    return f"{where}: {first['msg']} ({error.error_count()} faults)"


def _ordinals(value: Any, former: Draft | None, places: int) -> tuple[int, ...]:
    """Ordinal of each criterion: its place; in a mended task that of the one it mends, or the next unused for a new one."""
    criteria = value.get("criteria") if isinstance(value, Mapping) else None
    listed = criteria if isinstance(criteria, list) else []
    if former is None:
        return tuple(range(len(listed)))
    found: list[int] = []
    unused = max(places, 1 + max((*former.ordinals, -1)))
    for one in listed:
        number = one.get("number") if isinstance(one, Mapping) else None
        known = isinstance(number, int) and 1 <= number <= len(former.ordinals)
        ordinal = former.ordinals[number - 1] if known else unused  # type: ignore[operator]
        if ordinal in found or not known:
            ordinal, unused = unused, unused + 1
        found.append(ordinal)
    return tuple(found)
