"""Shards of extracted texts: texts/<name>.parquet, written at once, read one row group at a time.

A shard carries its refusals in the file's metadata, so that it is complete in itself: found after a kill, it is folded as it is.
"""

import contextlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import WorkspaceError
from rubric_factory.records import Document, Rejection
from rubric_factory.tables import DOCUMENTS, TEXTS, document_from_row
from rubric_factory.workspace import Workspace, atomic_path, disk_error

GROUP_CHARACTERS = 8_000_000
_REJECTIONS = b"rejections"


def shard_path(workspace: Workspace, name: str) -> Path:
    """Where a shard lies."""
    return workspace.texts / f"{name}.parquet"


class ShardWriter:
    """A shard on its way: rows of TEXTS in the order given, and refusals. Nothing is there before `commit`. Errors: WorkspaceError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = contextlib.ExitStack()
        self._writer: pq.ParquetWriter | None = None
        self._rejections: list[Rejection] = []
        self._rows: list[dict[str, Any]] = []
        self._characters = 0

    def add(self, result: dict[str, Any] | Rejection) -> None:
        """The next row, or a refusal."""
        if isinstance(result, Rejection):
            self._rejections.append(result)
            return
        self._rows.append(result)
        self._characters += len(result["text"])
        if self._characters >= GROUP_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        try:
            if self._writer is None:
                temporary = self._stack.enter_context(atomic_path(self._path))
                self._writer = self._stack.enter_context(pq.ParquetWriter(temporary, TEXTS, compression="zstd"))
            if self._rows:
                self._writer.write_table(pa.Table.from_pylist(self._rows, schema=TEXTS))
        except OSError as error:
            raise disk_error(error, self._path) from error
        self._rows, self._characters = [], 0

    def commit(self) -> None:
        """Write what is left, and give the file its name."""
        self._flush()
        found = json.dumps([[r.record_id, r.reason, r.detail] for r in self._rejections])
        if self._writer is not None:
            self._writer.add_key_value_metadata({_REJECTIONS.decode(): found})
        self._stack.close()

    def abort(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(_Abandoned):
            self._stack.__exit__(_Abandoned, _Abandoned(), None)


class _Abandoned(BaseException):
    """What an atomic write is told when it shall not take place."""


def read_shard(path: Path) -> tuple[pa.Table, list[Rejection]]:
    """Rows of DOCUMENTS (no text) and refusals of a shard. Errors: WorkspaceError for a missing or damaged file."""
    with _open(path) as file:
        table = file.read(columns=DOCUMENTS.names).select(DOCUMENTS.names)
        found = json.loads((file.metadata.metadata or {}).get(_REJECTIONS, b"[]"))
    return table, [Rejection(key, "ingest", reason, detail) for key, reason, detail in found]


def is_complete(path: Path) -> bool:
    """Whether a shard is there and can be read; a damaged one is removed."""
    if not path.exists():
        return False
    try:
        read_shard(path)
    except WorkspaceError:
        path.unlink()
        return False
    return True


def read_texts(workspace: Workspace, keys: Collection[str] | None = None) -> Iterator[Document]:
    """Documents of the last finished ingest, exact duplicates left out; all, or those whose keys are given.

    Streamed, one row group in memory; shards in the order of their first key, documents in key order within one.
    Errors: WorkspaceError for a missing or damaged shard.
    """
    shards: dict[str, set[str]] = {}
    for key, shard in _locations(workspace):
        if keys is None or key in keys:
            shards.setdefault(shard, set()).add(key)
    for shard, wanted in sorted(shards.items(), key=lambda item: min(item[1])):
        with _open(shard_path(workspace, shard)) as file:
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group).to_pylist():
                    if row["document_key"] in wanted:
                        yield document_from_row(row)


def _locations(workspace: Workspace) -> list[tuple[str, str]]:
    path = workspace.tables / "documents.parquet"
    if not path.exists():
        return []
    rows = pq.read_table(path, columns=["document_key", "shard", "duplicate_of"]).to_pylist()
    return [(row["document_key"], row["shard"]) for row in rows if row["duplicate_of"] is None]


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise WorkspaceError(f"cannot read {path}: {error}", expected="a shard of texts", fix="run `rubric-factory ingest` again") from None
