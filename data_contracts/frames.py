"""Rows of a staged version as flat pandas frames, one a contract: nested columns become the figures that contracts speak of."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from rubric_factory.dataset_files import DatasetRows, Row
from rubric_factory.tables import SPLITS
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
