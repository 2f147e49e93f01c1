"""Codecs between records and rows of the tables."""

from typing import Any

import pyarrow as pa

from rubric_factory.records import (
    Category,
    Document,
    Judgement,
    Message,
    Passage,
    Rating,
    Rejection,
    Rubric,
    Section,
    Task,
    Verdict,
)
from rubric_factory.rubric_rows import rubric_from_rows, rubric_to_rows
from rubric_factory.tables.corpus import PASSAGES, REJECTIONS, TEXTS
from rubric_factory.tables.tasks import RATING, TASKS


def rejection_rows(rejections: list[Rejection]) -> pa.Table:
    """Rejections as a table."""
    return pa.Table.from_pylist(
        [{"record_id": r.record_id, "stage": r.stage, "reason": r.reason, "detail": r.detail} for r in rejections], schema=REJECTIONS
    )


def document_to_row(document: Document, **facts: object) -> dict[str, object]:
    """Document as a row of TEXTS. facts: words, removed_characters, settings_digest, shard, seconds."""
    own = ("page_count", "characters", "page_starts", "sections", "duplicate_of", *facts)
    row: dict[str, object] = {name: getattr(document, name) for name in TEXTS.names if name not in own}
    row.update(facts, page_count=len(document.page_starts), characters=len(document.text), duplicate_of=None)
    row["page_starts"] = list(document.page_starts)
    row["sections"] = [{"start": s.start, "level": s.level, "title": s.title} for s in document.sections]
    return row


def document_from_row(row: dict[str, Any]) -> Document:
    """Inverse of document_to_row. Errors: ValueError on a broken invariant."""
    names = [name for name in Document.__dataclass_fields__ if name not in ("page_starts", "sections")]
    return Document(
        **{name: row[name] for name in names if row.get(name) is not None},
        page_starts=tuple(row["page_starts"]),
        sections=tuple(Section(s["start"], s["level"], s["title"]) for s in row["sections"]),
    )


def passage_to_row(passage: Passage, words: int, settings_digest: str) -> dict[str, object]:
    """Passage as a row of `passages`."""
    names = PASSAGES.names[:-2]
    return {**{name: getattr(passage, name) for name in names}, "words": words, "settings_digest": settings_digest}


def passage_from_row(row: dict[str, object]) -> Passage:
    """Inverse of passage_to_row."""
    return Passage(**{name: row[name] for name in PASSAGES.names[:-2]})  # type: ignore[arg-type]


def task_to_row(task: Task) -> dict[str, object]:
    """Task as a row of `tasks`."""
    row: dict[str, object] = {name: getattr(task, name) for name in TASKS.names if name not in ("prompt", "rubric")}
    row["prompt"] = [{"role": m.role, "content": m.content} for m in task.prompt]
    row["rubric"] = rubric_to_rows(task.rubric)
    return row


def task_from_row(row: dict[str, object]) -> Task:
    """Inverse of task_to_row. Errors: ValueError when the row's task_id is not that of its content."""
    names = [name for name in TASKS.names if name not in ("task_id", "prompt", "rubric")]
    task = Task(
        prompt=tuple(Message(m["role"], m["content"]) for m in row["prompt"]),  # type: ignore[attr-defined]
        rubric=rubric_from_rows(row["rubric"]),  # type: ignore[arg-type]
        **{name: row[name] for name in names},  # type: ignore[arg-type]
    )
    if task.task_id != row["task_id"]:
        raise ValueError(f"task {row['task_key']}: stored id {row['task_id']} is not that of its content, {task.task_id}")
    return task


def rating_row(judgement: Judgement, rating: Rating) -> dict[str, object]:
    """A rating as a row of VERDICTS under the key RATING, which no criterion has: level counts from the lowest rating, weight is 1.

    The canonical aggregation of the one row is the rating's reward.
    """
    return {
        "task_id": judgement.task_id,
        "response_id": judgement.response_id,
        "criterion_key": RATING,
        "level": rating.value - rating.lowest,
        "max_level": rating.highest - rating.lowest,
        "weight": 1,
        "category": str(Category.IMPORTANT),
        "failure": None if judgement.failure is None else str(judgement.failure),
        "reason": rating.reason,
        "judge": judgement.judge,
        "raw": judgement.raw,
        "prompt_tokens": judgement.prompt_tokens,
        "completion_tokens": judgement.completion_tokens,
        "criteria": 1,
        "agreement": None,
        "votes": None,
    }


def _votes(judgement: Judgement, criterion_key: str, *, first: bool) -> list[dict[str, object]] | None:
    """What the members of an ensemble found on one criterion, in their order: a level or why there is none; None of a single judge.

    A level that was set by rule is no vote.
    """
    votes: list[dict[str, object]] = []
    for member in judgement.members:
        verdict = next((one for one in member.verdicts if one.criterion_key == criterion_key), None)
        level = verdict.level if verdict and not member.by_rule else None
        failure = None if level is not None else (verdict.failure if verdict else None) or member.failure
        votes.append(
            {
                "judge": member.judge,
                "level": level,
                "failure": None if failure is None else str(failure),
                "reason": verdict.reason if verdict else "",
                "raw": member.raw if first else None,
                "prompt_tokens": member.prompt_tokens if first else None,
                "completion_tokens": member.completion_tokens if first else None,
            }
        )
    return votes or None


def judgement_rows(judgement: Judgement, rubric: Rubric) -> list[dict[str, object]]:
    """Rows of VERDICTS, in rubric order: one per criterion, ungraded ones included, so that any aggregation can be recomputed.

    failure: of the criterion, else of the whole response (set on flagged grades too). A rating is one row: see rating_row.
    """
    if judgement.rating is not None:
        return [rating_row(judgement, judgement.rating)]
    found: dict[str, Verdict] = {verdict.criterion_key: verdict for verdict in judgement.verdicts}
    rows: list[dict[str, object]] = []
    for criterion in rubric.criteria:
        verdict = found.get(criterion.criterion_key)
        failure = (verdict.failure if verdict else None) or judgement.failure
        first = not rows
        rows.append(
            {
                "task_id": judgement.task_id,
                "response_id": judgement.response_id,
                "criterion_key": criterion.criterion_key,
                "level": verdict.level if verdict else None,
                "max_level": criterion.max_level,
                "weight": criterion.weight,
                "category": str(criterion.category),
                "failure": None if failure is None else str(failure),
                "reason": verdict.reason if verdict else "",
                "judge": judgement.judge,
                "raw": judgement.raw if first else None,
                "prompt_tokens": judgement.prompt_tokens if first else None,
                "completion_tokens": judgement.completion_tokens if first else None,
                "criteria": len(rubric.criteria),
                "agreement": verdict.agreement if verdict else None,
                "votes": _votes(judgement, criterion.criterion_key, first=first),
            }
        )
    return rows
