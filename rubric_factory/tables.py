"""Arrow schemas of every table that is written to disk, and the codecs between records and rows.

A nested column is never inferred: each is spelt out here once, for the warehouse and for the published version alike.
"""

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

_S, _I = pa.string(), pa.int64()

SECTION = pa.struct([("start", _I), ("level", _I), ("title", _S)])
MESSAGE = pa.struct([("role", _S), ("content", _S)])
CRITERION = pa.struct(
    [
        ("criterion_id", _S),
        ("criterion_key", _S),
        ("title", _S),
        ("description", _S),
        ("category", _S),
        ("weight", _I),
        ("required_elements", pa.list_(_S)),
        ("scoring_guide", pa.list_(pa.struct([("level", _I), ("meaning", _S)]))),
        ("verification_cues", pa.list_(_S)),
        ("evidence", pa.list_(pa.struct([("start", _I), ("end", _I), ("quote", _S)]))),
    ]
)

# One row per document whose text was extracted; `text` lives in texts/<shard>.parquet only, not in the warehouse.
DOCUMENTS = pa.schema(
    [
        ("document_key", _S),
        ("document_id", _S),
        ("source", _S),
        ("source_uri", _S),
        ("media_type", _S),
        ("size_bytes", _I),
        ("title", _S),
        ("authors", _S),
        ("language", _S),
        ("licence", _S),
        ("genre", _S),
        ("page_count", _I),
        ("characters", _I),
        ("words", _I),
        ("removed_characters", _I),
        ("extractor", _S),
        ("settings_digest", _S),
        ("shard", _S),
        ("seconds", pa.float64()),
        # Key of the first document with the same bytes; empty for that one. Readers take the rows where it is empty.
        ("duplicate_of", _S),
        # What source or parser know of it besides; empty is unknown, null in rows of before there were such columns.
        ("date", _S),
        ("doi", _S),
        ("report_number", _S),
        ("subjects", _S),
    ]
)
TEXTS = pa.schema([*DOCUMENTS, ("text", _S), ("page_starts", pa.list_(_I)), ("sections", pa.list_(SECTION))])
# One row per entry seen at the last ingest of its source; same marker and digest: it is not opened again.
ENTRIES = pa.schema([("document_key", _S), ("source", _S), ("size_bytes", _I), ("settings_digest", _S), ("marker", _S)])
REJECTIONS = pa.schema([("record_id", _S), ("stage", _S), ("reason", _S), ("detail", _S)])
PASSAGES = pa.schema(
    [
        ("passage_id", _S),
        ("document_id", _S),
        ("document_key", _S),
        ("anchor", _S),
        ("section", _S),
        ("ordinal", _I),
        ("char_start", _I),
        ("char_end", _I),
        ("page_start", _I),
        ("page_end", _I),
        ("text", _S),
        ("words", _I),
        ("settings_digest", _S),
    ]
)
# One row per passage: what the text of its document says of it. reason is empty where the passage is fit; shingles_key: equal sets of
# shingles, equal keys, 0 for none; shard, shard_row: where signature and shingles lie, passages/<shard>/passages.prints.
PASSAGE_MEASURES = pa.schema(
    [
        ("passage_id", _S),
        ("document_key", _S),
        ("char_start", _I),
        ("score", pa.float64()),
        ("reason", _S),
        ("detail", _S),
        ("words_sha256", _S),
        ("shingles_key", _I),
        ("shard", _S),
        ("shard_row", _I),
    ]
)
# One row per document that was cut: from what, and where its signature and shingles lie, passages/<shard>/documents.prints.
DOCUMENT_MEASURES = pa.schema(
    [
        ("document_key", _S),
        ("document_id", _S),
        ("settings_digest", _S),
        ("passages", _I),
        ("shingles_key", _I),
        ("shard", _S),
        ("shard_row", _I),
    ]
)
# One row per document that was cut: the document that represents its near-duplicates, and their Jaccard similarity (null for itself).
DOCUMENT_CLUSTERS = pa.schema([("document_key", _S), ("cluster", _S), ("similarity", pa.float64())])
# One row per passage: its near-duplicate cluster (id of the passage that represents it), whether tasks are asked of it, and its Jaccard
# similarity to what represents it (null for that one).
SELECTION = pa.schema(
    [
        ("passage_id", _S),
        ("cluster", _S),
        ("duplicate_of", _S),
        ("score", pa.float64()),
        ("selected", pa.bool_()),
        ("similarity", pa.float64()),
    ]
)
TASKS = pa.schema(
    [
        ("task_id", _S),
        ("task_key", _S),
        ("passage_id", _S),
        ("document_id", _S),
        ("document_key", _S),
        ("prompt", pa.list_(MESSAGE)),
        ("question", _S),
        ("question_type", _S),
        ("reference_answer", _S),
        ("rubric", pa.list_(CRITERION)),
        ("author", _S),
        ("evidence_grade", _S),
    ]
)
# One row per passage and author identity that has been asked, so that a re-run asks only the rest.
AUTHORED = pa.schema([("passage_id", _S), ("author", _S), ("tasks", _I)])
# One row per slot of a passage that a language-model author tried: what it says besides the task, and what repair did.
_NOTED = ("task_key", "passage_id", "mode", "difficulty", "weak_answer", "first_refusal")
TASK_NOTES = pa.schema([*((name, _S) for name in _NOTED), ("repair_rounds", _I)])
# One row per task and gate; figure is what the gate measured.
GATE_RESULTS = pa.schema(
    [("task_id", _S), ("gate", _S), ("severity", _S), ("passed", pa.bool_()), ("figure", pa.float64()), ("detail", _S)]
)

# The published version (dataset contract): one schema a configuration, the same in every split. `policy` alone faces the policy.
SPLITS = ("train", "validation", "test")
_F = pa.float64()
QUALITY = pa.struct([(name, _F) for name in ("reference_score", "weak_score", "mismatch_score", "spread", "difficulty")])
PUBLISHED: dict[str, pa.Schema] = {
    "policy": pa.schema([("task_id", _S), ("prompt", pa.list_(MESSAGE))]),
    "tasks": pa.schema(
        [
            ("task_id", _S),
            ("task_key", _S),
            ("prompt", pa.list_(MESSAGE)),
            ("question", _S),
            ("question_type", _S),
            ("reference_answer", _S),
            ("rubric", pa.list_(CRITERION)),
            ("grounding_id", _S),
            ("document_id", _S),
            ("document_key", _S),
            ("source_uri", _S),
            ("licence", _S),
            ("genre", _S),
            ("section", _S),
            ("page_start", _I),
            ("page_end", _I),
            ("quality", QUALITY),
            ("author", _S),
            ("judge", _S),
            ("evidence_grade", _S),
        ]
    ),
    "grounding": pa.schema(
        [
            ("grounding_id", _S),
            ("document_id", _S),
            ("document_key", _S),
            ("text", _S),
            ("title", _S),
            ("source_uri", _S),
            ("page_start", _I),
            ("page_end", _I),
            ("char_start", _I),
            ("char_end", _I),
            ("licence", _S),
            ("sha256", _S),
        ]
    ),
}
# One row per task that a judge graded; graded_as names judge, settings and thresholds. spread is reference_score - weak_score.
SCORES = pa.schema([("task_id", _S), ("judge", _S), ("graded_as", _S), *[(field.name, field.type) for field in QUALITY]])
# One row per criterion of a judged response; raw (the judge's reply) and the tokens stand in the first row of each response only.
# The criterion_key of a rating of the whole response, by a judge that gives no verdicts.
RATING = "rating"
VERDICTS = pa.schema(
    [
        ("task_id", _S),
        ("response_id", _S),
        ("criterion_key", _S),
        ("level", _I),
        ("max_level", _I),
        ("weight", _I),
        ("category", _S),
        ("failure", _S),
        ("reason", _S),
        ("judge", _S),
        ("raw", _S),
        ("prompt_tokens", _I),
        ("completion_tokens", _I),
    ]
)

# Every table of the warehouse with its key: what `Warehouse.fold` replaces by, and what is exported for `doctor --repair`.
TABLES: dict[str, tuple[pa.Schema, tuple[str, ...]]] = {
    "entries": (ENTRIES, ("document_key",)),
    "documents": (DOCUMENTS, ("document_key",)),
    "rejections": (REJECTIONS, ("record_id", "stage")),
    "passages": (PASSAGES, ("passage_id",)),
    "passage_measures": (PASSAGE_MEASURES, ("passage_id",)),
    "document_measures": (DOCUMENT_MEASURES, ("document_key",)),
    "document_clusters": (DOCUMENT_CLUSTERS, ("document_key",)),
    "selection": (SELECTION, ("passage_id",)),
    "authored": (AUTHORED, ("passage_id", "author")),
    "tasks": (TASKS, ("task_key",)),
    "task_notes": (TASK_NOTES, ("task_key",)),
    "gate_results": (GATE_RESULTS, ("task_id", "gate")),
    "quality": (SCORES, ("task_id",)),
}


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
    }


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
            }
        )
    return rows
