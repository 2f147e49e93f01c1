"""review.jsonl: what people decided about tasks, applied at every rebuild: refused stay out, edits stay in, flagged sources drop.

Append-only JSONL in the workspace, keyed by stable keys: {task_key, decision, reason, edit, reviewer, time}. The last accept or refuse of
a task holds; edits add up in order; a source once flagged stays out. An accepted or edited task still has to pass every gate.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rubric_factory.authoring.assemble import line
from rubric_factory.authoring.jsonl import read_jsonl
from rubric_factory.authoring.reply import QuestionType
from rubric_factory.records import Category, Criterion, Level, Message, Rubric, Task, content_id
from rubric_factory.text import clean, printable

Decision = Literal["accept", "refuse", "edit", "flag_source"]
_Line = Field(default=None, min_length=1, max_length=4000)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CriterionEdit(_Strict):
    """What changes of a criterion; what is absent stays. weight is signed, as in the dataset. Evidence cannot be edited."""

    title: str | None = _Line
    description: str | None = _Line
    category: Category | None = None
    weight: int | None = None
    required_elements: tuple[str, ...] | None = None
    scoring_guide: tuple[str, ...] | None = None
    verification_cues: tuple[str, ...] | None = None


class Edit(_Strict):
    """What changes of a task; what is absent stays. criteria: by criterion_key; null takes the criterion out."""

    question: str | None = _Line
    question_type: QuestionType | None = None
    reference_answer: str | None = Field(default=None, min_length=1, max_length=20_000)
    criteria: dict[str, CriterionEdit | None] = {}


class Review(_Strict):
    """One row."""

    task_key: str = Field(min_length=1)
    decision: Decision
    reason: str = ""
    edit: Edit | None = None
    reviewer: str = ""
    time: str = ""

    @model_validator(mode="after")
    def _edit_where_it_says_so(self) -> "Review":
        if (self.edit is not None) != (self.decision == "edit"):
            raise ValueError("an edit goes with the decision 'edit', and with no other")
        return self

    @property
    def said(self) -> str:
        """Who decided, and why, as one printable line."""
        return printable(f"{self.decision} by {self.reviewer or 'a reviewer'}: {self.reason or 'no reason given'}")


@dataclass(frozen=True)
class Reviews:
    """Decisions by what they are about. edits: of a task, in order; refused, flagged: the review that says so, by task_key."""

    edits: dict[str, tuple[Edit, ...]] = field(default_factory=dict)
    refused: dict[str, Review] = field(default_factory=dict)
    flagged: dict[str, Review] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    def against(self, task: Task) -> Review | None:
        """The review that keeps a task out: it was refused, or its source was flagged."""
        source = f"{task.document_key}#"
        flags = (review for key, review in self.flagged.items() if key.startswith(source))
        return self.refused.get(task.task_key) or next(flags, None)


def read_reviews(path: Path) -> Reviews:
    """review.jsonl of a workspace, empty without the file. Errors: as read_jsonl."""
    rows = read_jsonl(path, Review)
    edits: dict[str, tuple[Edit, ...]] = {}
    refused: dict[str, Review] = {}
    flagged: dict[str, Review] = {}
    for row in rows:
        if row.edit is not None:
            edits[row.task_key] = (*edits.get(row.task_key, ()), row.edit)
        elif row.decision == "flag_source":
            flagged[row.task_key] = row
        elif row.decision == "refuse":
            refused[row.task_key] = row
        else:
            refused.pop(row.task_key, None)
    keys = tuple(sorted({row.task_key for row in rows}))
    return Reviews(edits, refused, flagged, keys, dict(sorted(Counter(row.decision for row in rows).items())))


def digest(edits: Sequence[Edit]) -> str:
    """The same edits, the same digest."""
    return content_id("edits", [edit.model_dump(mode="json") for edit in edits])[:12]


def _criterion(criterion: Criterion, edit: CriterionEdit) -> Criterion:
    given = {name: value for name, value in edit if value is not None}
    for name in ("title", "description"):
        if name in given:
            given[name] = line(given[name])
    for name in ("required_elements", "verification_cues", "scoring_guide"):
        if name in given:
            given[name] = tuple(line(text) for text in given[name])
    if "scoring_guide" in given:
        given["scoring_guide"] = tuple(Level(level, meaning) for level, meaning in enumerate(given["scoring_guide"]))
    return replace(criterion, **given)


def _one(task: Task, edit: Edit) -> Task:
    unknown = sorted(edit.criteria.keys() - {criterion.criterion_key for criterion in task.rubric.criteria})
    if unknown:
        raise ValueError(f"no criterion has the key {printable(unknown[0])}")
    criteria = []
    for criterion in task.rubric.criteria:
        change = edit.criteria.get(criterion.criterion_key)
        if change is not None:
            criteria.append(_criterion(criterion, change))
        elif criterion.criterion_key not in edit.criteria:
            criteria.append(criterion)
    task = replace(task, rubric=Rubric(tuple(criteria)), question_type=edit.question_type or task.question_type)
    if edit.reference_answer is not None:
        task = replace(task, reference_answer=clean(edit.reference_answer)[0].strip())
    if edit.question is not None:
        question = line(edit.question)
        # Whatever follows the question in the prompt (an answer stem) was made from the former one.
        task = replace(task, question=question, prompt=(*task.prompt[:-1], Message("user", question)))
    return task


def edited(task: Task, edits: Sequence[Edit]) -> Task:
    """The task with the edits, in order. Errors: ValueError where an edit names no criterion of it, or records refuse what it makes."""
    for edit in edits:
        task = _one(task, edit)
    return task
