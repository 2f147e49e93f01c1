"""Rows of a staged version as flat pandas frames, one a contract: nested columns become the figures that contracts speak of."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from rubric_factory.dataset_files import DatasetRows, Row
from rubric_factory.records import JudgeFailure, author_of
from rubric_factory.tables import RATING, SPLITS
from rubric_factory.text import words


def _with_split(rows: dict[str, list[Row]]) -> Iterator[tuple[str, Row]]:
    for split in SPLITS:
        for row in rows[split]:
            yield split, row


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns)


def documents(rows: DatasetRows) -> pd.DataFrame:
    """One row per different (document_key, document_id, licence, source_uri): two of one key show as a duplicate."""
    titles = {row["document_key"]: row["title"] for _, row in _with_split(rows.grounding)}
    counts: dict[tuple[str, ...], int] = defaultdict(int)
    sides: dict[tuple[str, ...], set[str]] = defaultdict(set)
    names = ("document_key", "document_id", "licence", "source_uri")
    for split, row in _with_split(rows.tasks):
        key = tuple(row[name] for name in names)
        counts[key] += 1
        sides[key].add(split)
    found = [
        {**dict(zip(names, key, strict=True)), "title": titles.get(key[0]), "tasks": count, "splits": " ".join(sorted(sides[key]))}
        for key, count in counts.items()
    ]
    return _frame(found, [*names, "title", "tasks", "splits"])


def passages(rows: DatasetRows) -> pd.DataFrame:
    """One row per passage."""
    names = ["grounding_id", "sha256", "text", "page_start", "page_end", "char_start", "char_end"]
    found = [
        {**{name: row[name] for name in names}, "words": len(words(row["text"] or "")), "split": split}
        for split, row in _with_split(rows.grounding)
    ]
    return _frame(found, [*names, "words", "split"])


def tasks(rows: DatasetRows) -> pd.DataFrame:
    """One row per task; key_of_document: the task key begins with the document key."""
    names = ["task_id", "task_key", "question", "question_type", "author", "evidence_grade", "page_start", "page_end"]
    found = [
        {name: row[name] for name in names}
        | {
            "author": row["author"] and author_of(row["author"]),
            "key_of_document": str(row["task_key"]).startswith(f"{row['document_key']}#"),
            "question_words": len(words(row["question"] or "")),
            "reference_words": len(words(row["reference_answer"] or "")),
            "criteria": len(row["rubric"] or ()),
            "positive_weight": sum(max(c["weight"] or 0, 0) for c in row["rubric"] or ()),
            "split": split,
        }
        for split, row in _with_split(rows.tasks)
    ]
    derived = ["key_of_document", "question_words", "reference_words", "criteria", "positive_weight", "split"]
    return _frame(found, [*names, *derived])


def criteria(rows: DatasetRows) -> pd.DataFrame:
    """One row per criterion; key_of_task: the criterion key begins with the task key; quotes: pieces of evidence."""
    names = ["criterion_id", "criterion_key", "category", "weight", "title", "description"]
    found = [
        {name: criterion[name] for name in names}
        | {
            "key_of_task": str(criterion["criterion_key"]).startswith(f"{row['task_key']}/"),
            "sign_fits_category": ((criterion["weight"] or 0) < 0) == (criterion["category"] == "pitfall"),
            "levels": len(criterion["scoring_guide"] or ()),
            "quotes": len(criterion["evidence"] or ()),
        }
        for _, row in _with_split(rows.tasks)
        for criterion in row["rubric"] or ()
    ]
    return _frame(found, [*names, "key_of_task", "sign_fits_category", "levels", "quotes"])


def verdicts(rows: DatasetRows, stored: list[dict[str, Any]], judge: str) -> pd.DataFrame:
    """One row per stored verdict on a published task. stored: rows of tables.VERDICTS; judge: the identity that the version names."""
    keys = {row["task_id"]: {c["criterion_key"] for c in row["rubric"] or ()} | {RATING} for _, row in _with_split(rows.tasks)}
    found = [row for row in stored if row["task_id"] in keys]
    times = Counter((row["task_id"], row["response_id"], row["criterion_key"]) for row in found)
    failures = {str(failure) for failure in JudgeFailure}
    made = [
        {name: row[name] for name in ("task_id", "response_id", "criterion_key")}
        | {
            "of_rubric": row["criterion_key"] in keys[row["task_id"]],
            "level_or_failure": (row["level"] is None) == bool(row["failure"]),
            "on_scale": row["level"] is None or 0 <= row["level"] <= row["max_level"],
            "known_failure": not row["failure"] or row["failure"] in failures,
            "by_the_judge": row["judge"] == judge,
            "once": times[row["task_id"], row["response_id"], row["criterion_key"]] == 1,
            "graded": not row["failure"],
        }
        for row in found
    ]
    derived = ["of_rubric", "level_or_failure", "on_scale", "known_failure", "by_the_judge", "once", "graded"]
    return _frame(made, ["task_id", "response_id", "criterion_key", *derived])


def policy(rows: DatasetRows) -> pd.DataFrame:
    """One row per prompt; words counts the user message, system_text is '' without a system message."""
    found = []
    for split, row in _with_split(rows.policy):
        messages = row["prompt"] or []
        user = " ".join(m["content"] or "" for m in messages if m["role"] == "user")
        system = " ".join(m["content"] or "" for m in messages if m["role"] == "system")
        roles = " ".join(str(m["role"]) for m in messages)
        found.append(
            {"task_id": row["task_id"], "split": split, "roles": roles, "user_text": user, "words": len(words(user)), "system_text": system}
        )
    return _frame(found, ["task_id", "split", "roles", "user_text", "words", "system_text"])
