"""Labels: what somebody who is trusted says of one criterion of one answer, as JSON lines. A reply without a verdict is never one.

A line: {"task_id" or "task_key", "criterion_key", "response" (and, or, "response_id"), "level" or "met", "labeller"}, and optionally
"split", "kind", "family", "reason". A line of another split than its document's is refused: a label cannot change sides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rubric_factory.errors import UsageError
from rubric_factory.judging.calibration.lines import read_lines
from rubric_factory.judging.calibration.responses import Drawn, split_of
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Criterion, Judgement, Task

Row = dict[str, Any]
# (task_id, response_id, criterion_key).
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """share: level / highest level of the criterion, in [0, 1]; response is '' where the line gives its id alone.

    kind, family (of the model that wrote the response): '' if unknown.
    """

    task: Task
    criterion: Criterion
    response_id: str
    response: str
    share: float
    labeller: str
    kind: str = ""
    family: str = ""

    @property
    def split(self) -> str:
        """tune or test, by the document."""
        return split_of(self.task.document_key)

    @property
    def place(self) -> Place:
        """What it is about."""
        return self.task.task_id, self.response_id, self.criterion.criterion_key


def label_rows(drawn: Sequence[Drawn], tasks: Mapping[str, Task], judgements: Sequence[Judgement]) -> tuple[list[Row], list[Row]]:
    """Lines of what a labelling judge said, and a row a pair of what is no label: why, and the raw reply beside the answer's first.

    drawn, judgements: length n, in the same order. A verdict becomes a label only if its reply was read: what the failure algebra sets by
    rule (over length, unparseable) does not.
    """
    rows: list[Row] = []
    failures: list[Row] = []
    for one, judgement in zip(drawn, judgements, strict=True):
        verdicts = {verdict.criterion_key: verdict for verdict in judgement.verdicts}
        by_rule = judgement.failure is not None and all(verdict.level is not None for verdict in judgement.verdicts)
        raw = judgement.raw
        for criterion in tasks[one.task_id].rubric.criteria:
            verdict = verdicts.get(criterion.criterion_key)
            row: Row = {"task_id": one.task_id, "response_id": one.response_id, "criterion_key": criterion.criterion_key}
            if verdict is None or verdict.level is None or by_rule:
                failure = (verdict.failure if verdict else None) or judgement.failure or "no_verdict"
                failures.append({**row, "failure": str(failure), "reason": verdict.reason if verdict else "", "raw": raw})
                raw = ""
                continue
            row |= {name: getattr(one, name) for name in ("task_key", "document_key", "split", "kind", "response")}
            row |= {"level": verdict.level, "max_level": criterion.max_level, "labeller": judgement.judge, "reason": verdict.reason}
            rows.append(row)
    return rows, failures


def _text(row: Row, name: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")
    return value


def _share(row: Row, criterion: Criterion) -> float:
    level, met = row.get("level"), row.get("met")
    if (level is None) == (met is None):
        raise ValueError("exactly one of level and met is needed")
    if met is not None:
        if type(met) is not bool:
            raise ValueError("met is not true or false")
        return float(met)
    if type(level) is not int or not 0 <= level <= criterion.max_level:
        raise ValueError(f"level is not a whole number within 0 .. {criterion.max_level}")
    if row.get("max_level", criterion.max_level) != criterion.max_level:
        raise ValueError(f"max_level is {criterion.max_level} in this version")
    return level / criterion.max_level


def _label(row: Any, tasks: Mapping[str, Task]) -> Label | None:
    """None for a task or criterion that the version has not. Errors: ValueError for what is no label."""
    if not isinstance(row, dict):
        raise ValueError("no object")
    labeller, key, response, response_id = (_text(row, name) for name in ("labeller", "criterion_key", "response", "response_id"))
    name = _text(row, "task_id") or _text(row, "task_key")
    if not (name and labeller and key and (response or response_id)):
        raise ValueError("it wants task_id or task_key, criterion_key, labeller, and response or response_id")
    task = tasks.get(name)
    criterion = next((c for c in task.rubric.criteria if c.criterion_key == key), None) if task else None
    if task is None or criterion is None:
        return None
    label = Label(
        task,
        criterion,
        response_id or JudgeInput.id_of(task.task_id, response),
        response,
        _share(row, criterion),
        labeller,
        _text(row, "kind"),
        _text(row, "family"),
    )
    if _text(row, "split") not in ("", label.split):
        raise ValueError(f"document {task.document_key} is on the side {label.split!r}")
    return label


def read_labels(path: Path, tasks: Sequence[Task]) -> tuple[list[Label], int]:
    """Labels on tasks of a version, and how many lines are about other tasks or criteria.

    Errors: UsageError that names the line; where one labeller has two labels on one thing; where no label is left.
    """
    by_name = {name: task for task in tasks for name in (task.task_id, task.task_key)}
    found: dict[tuple[str, Place], Label] = {}

    def read(row: Any) -> bool:
        label = _label(row, by_name)
        if label is not None and found.setdefault((label.labeller, label.place), label) is not label:
            raise ValueError(f"a second label of {label.labeller} on the same criterion of the same answer")
        return label is not None

    known = read_lines(path, read, what="label", expected='{"task_id", "criterion_key", "response", "level", "labeller"}')
    if not found:
        raise UsageError(
            f"{path} holds no label on this version ({len(known)} on other tasks)", expected="labels of its tasks", fix="name the right one"
        )
    return list(found.values()), known.count(False)
