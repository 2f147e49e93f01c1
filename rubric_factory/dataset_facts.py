"""Facts that every dataset version must satisfy, as plain functions over its rows: contracts and `verify` ask the same ones.

A fact yields one line a finding: the id or key of the record and what is wrong. No finding: the fact holds. Findings never quote
document text beyond a key.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from rubric_factory.dataset_files import DatasetRows, Row, describe_schema, schema_of
from rubric_factory.records import Message, Passage, Task
from rubric_factory.rubric_rows import rubric_from_rows
from rubric_factory.tables import PUBLISHED, SPLITS
from rubric_factory.text import printable, shares_run, words

SHARED_RUN_WORDS = 8
# A shorter title ("The") would hide other shared runs once removed: such a prompt must pass with and without it.
TITLE_WORDS = 3
# Columns that may be empty strings; every other string column of the published tables says something.
MAY_BE_EMPTY = frozenset({"genre", "section", "judge", "title"})

Fact = Callable[[DatasetRows], Iterator[str]]


def _finding(key: Any, problem: str) -> str:
    return f"{printable(str(key))}: {problem}"


def _all(rows: Mapping[str, list[Row]]) -> Iterator[Row]:
    for split in SPLITS:
        yield from rows[split]


def published_schema(folder: Path) -> Iterator[str]:
    """Every file has exactly the columns and types of the contract, in order."""
    for config, schema in PUBLISHED.items():
        for split in SPLITS:
            if schema_of(folder, config, split) != describe_schema(schema):
                yield _finding(f"{config}/{split}", "columns or types differ from the contract")


def _has_null(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, dict):
        return any(_has_null(part) for part in value.values())
    return isinstance(value, list) and any(_has_null(part) for part in value)


def complete(rows: DatasetRows) -> Iterator[str]:
    """No null anywhere but in the quality scores; no empty text where something must be said."""
    for config, key in (("policy", "task_id"), ("tasks", "task_key"), ("grounding", "grounding_id")):
        for row in _all(getattr(rows, config)):
            for column, value in row.items():
                if column == "quality" and isinstance(value, dict):
                    continue
                if _has_null(value) or (value == "" and column not in MAY_BE_EMPTY):
                    yield _finding(row[key], f"{column} is missing")


def unique_ids(rows: DatasetRows) -> Iterator[str]:
    """task_id, task_key, criterion_key and grounding_id occur once in the whole version."""
    columns = {
        "task_id of policy": [row["task_id"] for row in _all(rows.policy)],
        "task_id of tasks": [row["task_id"] for row in _all(rows.tasks)],
        "task_key": [row["task_key"] for row in _all(rows.tasks)],
        "criterion_key": [criterion["criterion_key"] for row in _all(rows.tasks) for criterion in row["rubric"]],
        "grounding_id": [row["grounding_id"] for row in _all(rows.grounding)],
    }
    for name, values in columns.items():
        seen: set[str] = set()
        for value in values:
            if value in seen:
                yield _finding(value, f"{name} occurs twice")
            seen.add(value)


def policy_matches_tasks(rows: DatasetRows) -> Iterator[str]:
    """policy and tasks hold the same tasks in the same split, with equal prompts."""
    for split in SPLITS:
        policy = {row["task_id"]: row["prompt"] for row in rows.policy[split]}
        tasks = {row["task_id"]: row["prompt"] for row in rows.tasks[split]}
        for task_id in sorted(policy.keys() ^ tasks.keys()):
            yield _finding(task_id, f"not in both policy and tasks of {split}")
        for task_id in sorted(policy.keys() & tasks.keys()):
            if policy[task_id] != tasks[task_id]:
                yield _finding(task_id, "the prompts of policy and tasks differ")


def prompt_holds_question(rows: DatasetRows) -> Iterator[str]:
    """The prompt is an optional system message and one user message that begins with the question."""
    for row in _all(rows.tasks):
        roles = [message["role"] for message in row["prompt"]]
        if roles not in (["user"], ["system", "user"]) or not row["prompt"][-1]["content"].startswith(row["question"]):
            yield _finding(row["task_key"], "the prompt is not [system,] user with the question first")


def task_of(row: Row) -> Task:
    """Task of a published row of `tasks`. Errors: ValueError on a broken invariant."""
    return Task(
        task_key=row["task_key"],
        passage_id=row["grounding_id"],
        document_id=row["document_id"],
        document_key=row["document_key"],
        prompt=tuple(Message(message["role"], message["content"]) for message in row["prompt"]),
        question=row["question"],
        question_type=row["question_type"],
        reference_answer=row["reference_answer"],
        rubric=rubric_from_rows(row["rubric"]),
        author=row["author"],
        evidence_grade=row["evidence_grade"],
    )


def ids_from_content(rows: DatasetRows) -> Iterator[str]:
    """task_id and criterion_id are those of the content; every record invariant holds (weights, scoring guides, spans)."""
    for row in _all(rows.tasks):
        try:
            task = task_of(row)
        except ValueError as error:
            yield _finding(row["task_key"], printable(str(error)))
            continue
        if task.task_id != row["task_id"]:
            yield _finding(row["task_key"], "task_id is not that of the content")
        if [c.criterion_id for c in task.rubric.criteria] != [c["criterion_id"] for c in row["rubric"]]:
            yield _finding(row["task_key"], "a criterion_id is not that of the content")


def grounding_intact(rows: DatasetRows) -> Iterator[str]:
    """Grounding text has its sha256, its span and its id."""
    for row in _all(rows.grounding):
        text = row["text"]
        if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != row["sha256"]:
            yield _finding(row["grounding_id"], "sha256 is not that of the text")
        if row["char_end"] - row["char_start"] != len(text):
            yield _finding(row["grounding_id"], "the span has not the length of the text")
        if Passage.id_of(row["document_id"], row["char_start"], row["char_end"], text) != row["grounding_id"]:
            yield _finding(row["grounding_id"], "grounding_id is not that of the content")


def grounding_of_tasks(rows: DatasetRows) -> Iterator[str]:
    """Every task has its grounding in its own split, with the same provenance; no grounding without a task."""
    shared = ("document_id", "document_key", "source_uri", "licence", "page_start", "page_end")
    for split in SPLITS:
        grounding = {row["grounding_id"]: row for row in rows.grounding[split]}
        used = set()
        for row in rows.tasks[split]:
            used.add(row["grounding_id"])
            ground = grounding.get(row["grounding_id"])
            if ground is None:
                yield _finding(row["task_key"], f"its grounding is not in {split}")
            else:
                yield from (_finding(row["task_key"], f"{name} differs from the grounding") for name in shared if row[name] != ground[name])
        yield from (_finding(key, "grounding of no task") for key in sorted(grounding.keys() - used))


def evidence_verbatim(rows: DatasetRows) -> Iterator[str]:
    """quote == text[start:end] for every piece of evidence."""
    texts = {row["grounding_id"]: row["text"] for row in _all(rows.grounding)}
    for row in _all(rows.tasks):
        text = texts.get(row["grounding_id"], "")
        for criterion in row["rubric"]:
            for span in criterion["evidence"]:
                if not 0 <= span["start"] < span["end"] <= len(text) or text[span["start"] : span["end"]] != span["quote"]:
                    yield _finding(criterion["criterion_key"], "a quote is not the text at its offsets")


def without_run(tokens: list[str], run: list[str]) -> list[str]:
    """Tokens with every occurrence of run removed, left to right; unchanged for an empty run."""
    kept: list[str] = []
    index = 0
    while index < len(tokens):
        if run and tokens[index : index + len(run)] == run:
            index += len(run)
        else:
            kept.append(tokens[index])
            index += 1
    return kept


def prompt_apart_from_passage(rows: DatasetRows) -> Iterator[str]:
    """Prompt and passage share no run of 8 words, the document's own title removed from the prompt before counting."""
    grounding = {row["grounding_id"]: row for row in _all(rows.grounding)}
    for row in _all(rows.tasks):
        ground = grounding.get(row["grounding_id"])
        if ground is None:
            continue
        prompt, title = words("\n".join(message["content"] for message in row["prompt"])), words(ground["title"])
        counted = [without_run(prompt, title)] + ([prompt] if len(title) < TITLE_WORDS else [])
        if any(shares_run(tokens, words(ground["text"]), SHARED_RUN_WORDS) for tokens in counted):
            yield _finding(row["task_key"], f"prompt and passage share a run of {SHARED_RUN_WORDS} words")


def judged_alike(rows: DatasetRows) -> Iterator[str]:
    """One judge graded every task, or none did: then all scores are null. spread and difficulty are of a solver's answers, both or neither.

    Versions of before there was a solver have the difference of reference and weak score for a spread.
    """
    judges = {row["judge"] for row in _all(rows.tasks)}
    if len(judges) > 1:
        yield _finding("judge", f"{len(judges)} different ones")
    for row in _all(rows.tasks):
        quality = row["quality"] or {}
        reference, weak, mismatch, spread, difficulty = (
            quality.get(name) for name in ("reference_score", "weak_score", "mismatch_score", "spread", "difficulty")
        )
        if not row["judge"]:
            yield from (_finding(row["task_key"], f"{name} without a judge") for name, score in quality.items() if score is not None)
        elif reference is None or weak is None:
            yield _finding(row["task_key"], "a score is missing")
        elif max(reference, weak, mismatch or 0.0) > 1:
            yield _finding(row["task_key"], "scores above 1")
        elif difficulty is None and spread not in (None, reference - weak):
            yield _finding(row["task_key"], "a spread without a difficulty")
        elif difficulty is not None and (spread is None or spread < 0 or not 0 <= difficulty <= 1):
            yield _finding(row["task_key"], "a difficulty outside 0 to 1, or without a spread")


def one_side(rows: DatasetRows) -> Iterator[str]:
    """A document (by key and by bytes) and a passage text are on one side only."""
    for table, column in (("tasks", "document_key"), ("tasks", "document_id"), ("grounding", "document_key"), ("grounding", "sha256")):
        sides: dict[str, str] = {}
        found: set[str] = set()
        for split in SPLITS:
            for row in getattr(rows, table)[split]:
                if sides.setdefault(row[column], split) != split:
                    found.add(row[column])
        yield from (_finding(value, f"{column} is on two sides") for value in sorted(found))


def relative_sources(rows: DatasetRows) -> Iterator[str]:
    """source_uri is a URL or a path relative to the source root, never a path of the machine."""
    for row in _all(rows.tasks):
        uri = row["source_uri"]
        if "://" in uri and not uri.startswith("file:"):
            continue
        if uri.startswith(("/", "\\", "~", "file:")) or uri[1:3] in (":\\", ":/") or ".." in PurePosixPath(uri).parts:
            yield _finding(row["task_key"], "source_uri is not relative to the source root")


def licences_allowed(rows: DatasetRows, allowed: Collection[str]) -> Iterator[str]:
    """Every licence is among the allowed ones (none named: any)."""
    if not allowed:
        return
    for row in (*_all(rows.tasks), *_all(rows.grounding)):
        if row["licence"] not in allowed:
            yield _finding(row.get("task_key", row["grounding_id"]), f"licence {printable(row['licence'], 60)} is not allowed")


def as_assigned(rows: DatasetRows, documents: Mapping[str, str]) -> Iterator[str]:
    """Every row lies on the side that the split assignment (document_key -> split) names."""
    for split in SPLITS:
        for row in rows.tasks[split]:
            if documents.get(row["document_key"]) != split:
                yield _finding(row["task_key"], f"in {split}, but assigned to {documents.get(row['document_key'], 'no side')}")


def apart_from_ancestors(rows: DatasetRows, trained: Mapping[str, Collection[str]]) -> Iterator[str]:
    """No validation or test task was in any ancestor's train split: by task key and id, document, and passage text.

    trained: {task_key, task_id, document_key, document_id, sha256} -> values in the train split of any ancestor.
    """
    for split in ("validation", "test"):
        for row in rows.tasks[split]:
            for column in ("task_key", "task_id", "document_key", "document_id"):
                if row[column] in trained[column]:
                    yield _finding(row["task_key"], f"{column} was in the train split of an ancestor")
        for row in rows.grounding[split]:
            if row["sha256"] in trained["sha256"]:
                yield _finding(row["grounding_id"], "its text was in the train split of an ancestor")


# Facts over the rows alone. `complete` comes first: the others are asked only where it holds.
FACTS: dict[str, Fact] = {
    "complete": complete,
    "unique_ids": unique_ids,
    "policy_matches_tasks": policy_matches_tasks,
    "prompt_holds_question": prompt_holds_question,
    "ids_from_content": ids_from_content,
    "grounding_intact": grounding_intact,
    "grounding_of_tasks": grounding_of_tasks,
    "evidence_verbatim": evidence_verbatim,
    "prompt_apart_from_passage": prompt_apart_from_passage,
    "judged_alike": judged_alike,
    "one_side": one_side,
    "relative_sources": relative_sources,
}
