"""Exports, archives and what must not be archived: an answer that a current passage, task or published version may ask for again."""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from flows.summary import read_rows
from rubric_factory.dataset_version import versions
from rubric_factory.errors import UsageError
from rubric_factory.ledger import Ledger, look
from rubric_factory.llm.asked import restored
from rubric_factory.llm.protocol import CompletionFailure
from rubric_factory.text import printable
from rubric_factory.workspace import Workspace, atomic_path

Row = dict[str, Any]

# Columns of an answered call, beside its key, as sql/ledger/page.sql gives them.
_TEXTS = ("text", "model", "revision", "stage", "subject", "part", "failure", "detail", "endpoint", "served_model", "engine")
_COUNTS = ("sent", "attempts", "prompt_tokens", "completion_tokens")
_UNKNOWN_COUNTS = ("cached_tokens", "characters", "shared")
_KEY = re.compile(r"[0-9a-f]{64}")
# What SQLite adds up in 64 bits, a million rows of it; and seconds since 1970 of the year 10000, which no calendar here can show.
_MOST, _MOST_SECONDS = 2**43, 253_402_300_800


def readable(row: Row) -> Row:
    """A call as look.found gives it, with its request decoded: `request` is None where it was dropped or never kept."""
    texts = row["texts"]
    plain = {key: value for key, value in row.items() if key not in ("texts", "body")}
    try:
        return {**plain, "request": None if row["body"] is None else restored(row["body"], texts)}
    except (ValueError, KeyError, TypeError) as error:
        return {**plain, "request": None, "request_error": str(error)}


def write_calls(rows: Iterable[Row], path: Path) -> int:
    """Calls as JSON lines, durable on return, gzipped where the name ends in .gz; how many. Errors: UsageError, WorkspaceError."""
    if path.exists():
        raise UsageError(f"{path} exists", expected="a new file: an archive is never overwritten", fix="name another")
    count = 0
    # mtime 0: the same calls make the same bytes.
    with (
        atomic_path(path) as part,
        part.open("wb") as handle,
        gzip.GzipFile(fileobj=handle, mode="wb", filename="", mtime=0) if path.suffix == ".gz" else handle as out,
    ):
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=True, sort_keys=True).encode() + b"\n")
            count += 1
    return count


def read_calls(path: Path) -> Iterator[Row]:
    """Answered calls of a file of write_calls, every column of the right kind. Errors: UsageError that names the line."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as handle:
            for line in handle:
                number += 1
                row = json.loads(line)
                if row["state"] == "answered" and row["text"] is not None:
                    _check(row)
                    yield row
    except (OSError, EOFError, zlib.error, RecursionError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"line {number} of {path} is no call of a ledger: {printable(str(error))}",
            expected="a file of `ledger export` or `compact --archive`",
        ) from None


def _check(row: Row) -> None:
    """Errors: ValueError, KeyError for a row that no ledger wrote: it would be served as an answer ever after."""
    if not (isinstance(row["key"], str) and _KEY.fullmatch(row["key"])):
        raise ValueError("key is not 64 hex digits")
    for name in _TEXTS:
        if not isinstance(row[name], str):
            raise ValueError(f"{name} is no text")
        row[name].encode()  # a lone surrogate is a ValueError
    for name in (*_COUNTS, *_UNKNOWN_COUNTS):
        if not (type(row[name]) is int and 0 <= row[name] < _MOST) and not (row[name] is None and name in _UNKNOWN_COUNTS):
            raise ValueError(f"{name} is no count")
    for name in ("seconds", "answered_at"):
        if not (type(row[name]) in (int, float) and 0 <= row[name] < _MOST_SECONDS):
            raise ValueError(f"{name} is no number of seconds")
    if row["failure"]:
        CompletionFailure(row["failure"])


def needed_subjects(workspace: Workspace) -> set[str]:
    """Passages and tasks of the workspace, and of every published version, by id. Errors: UsageError where the tables are not there."""
    import pyarrow.parquet as pq

    if not (workspace.tables / "passages.parquet").exists():
        raise UsageError(
            f"no passages in {workspace.tables}: which answers are needed is not known",
            expected="the exported tables",
            fix="run rubric-factory passages, or doctor --repair",
        )
    found = {row["passage_id"] for row in read_rows(workspace, "passages", "passage_id")}
    found |= {row["task_id"] for row in read_rows(workspace, "tasks", "task_id")}
    for version in versions(workspace.datasets):
        folder = Path(version.path)
        for name, column in (("tasks", "task_id"), ("grounding", "grounding_id")):
            for path in sorted((folder / name).glob("*.parquet")):
                found |= set(pq.read_table(path, columns=[column]).column(column).to_pylist())
    return found


def archive(ledger: Ledger, workspace: Workspace, path: Path, days: float) -> int:
    """Move answers older than so many days, which nothing current needs, into a file; how many. The file is durable before they go."""
    look.alone(ledger)
    needed = needed_subjects(workspace)
    keys = look.archivable(ledger, look.days_ago(days), lambda stage, subject: subject in needed)
    if keys:
        chosen = set(keys)
        write_calls((readable(row) for row in look.everything(ledger) if row["key"] in chosen), path)
        look.remove(ledger, keys)
    return len(keys)
