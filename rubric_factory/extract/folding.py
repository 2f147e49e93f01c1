"""Shards into the warehouse: documents, refusals and entries together or not at all; duplicates marked; what is of no use removed."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pyarrow as pa

from rubric_factory.extract.compare import TABLES, Plan
from rubric_factory.extract.shard import Shard
from rubric_factory.extract.texts import read_shard, shard_path
from rubric_factory.records import Rejection
from rubric_factory.sources.protocol import Entry
from rubric_factory.tables import ENTRIES, rejection_rows
from rubric_factory.warehouse import Warehouse
from rubric_factory.workspace import Workspace, disk_error, fsync_folder

# Refusals that are no property of the document: such an entry is tried again by the next run.
_TRANSIENT = frozenset(("unreadable", "changed"))


def fold_shard(workspace: Workspace, house: Warehouse, shard: Shard, digest: Callable[[Entry], str]) -> dict[str, int]:
    """Documents, refusals and entries of a shard, all or nothing: {"kept": n, "refused": n}."""
    documents, refused = read_shard(shard_path(workspace, shard.name))
    transient = {r.record_id for r in refused if r.reason in _TRANSIENT}
    with house.transaction():
        _drop(house, [r.record_id for r in refused], "documents")
        _drop(house, documents["document_key"].to_pylist(), "rejections")
        with house.incoming(documents):
            house.run("ingest_fold_documents")
        house.fold("rejections", rejection_rows(refused))
        house.fold("entries", _entry_rows(shard.entries, digest, transient))
    return {"kept": documents.num_rows, "refused": len(refused)}


def settle(house: Warehouse, todo: Plan, digest: Callable[[Entry], str]) -> None:
    """What no shard tells, all or nothing: entries that are not opened, entries that are gone, and who is whose duplicate."""
    with house.transaction():
        rows = [Rejection(entry.document_key, "ingest", *entry.problem) for entry in todo.refused if entry.problem]
        _drop(house, [row.record_id for row in rows], "documents")
        house.fold("rejections", rejection_rows(rows))
        house.fold("entries", _entry_rows(todo.refused, digest, frozenset()))
        _drop(house, todo.vanished, "entries", "documents", "rejections")
        for statement in ("ingest_mark_duplicates", "ingest_drop_duplicates", "ingest_reject_duplicates"):
            house.run(statement)


def reasons(house: Warehouse, keys: Sequence[str]) -> dict[str, int]:
    """Why entries were refused: {reason: n}."""
    with house.incoming(pa.table({"document_key": pa.array(keys, pa.string())})):
        return {row["reason"]: row["documents"] for row in house.rows("ingest_reasons")}


def _entry_rows(found: Sequence[Entry], digest: Callable[[Entry], str], transient: Collection[str]) -> pa.Table:
    """Rows of `entries`; a transient refusal leaves no digest, so that the next run tries again."""
    rows: list[dict[str, Any]] = [
        {
            "document_key": e.document_key,
            "source": e.source,
            "size_bytes": e.size_bytes,
            "settings_digest": "" if e.document_key in transient else digest(e),
            "marker": e.marker,
        }
        for e in found
    ]
    return pa.Table.from_pylist(rows, schema=ENTRIES)


def _drop(house: Warehouse, keys: Sequence[str], *tables: str) -> None:
    if not keys:
        return
    with house.incoming(pa.table({"document_key": pa.array(keys, pa.string())})):
        for table in tables:
            house.run(f"ingest_drop_{table}")


def begin(workspace: Workspace) -> None:
    """Note, before anything is committed, that the tables will have to be exported: whoever is killed leaves the note behind."""
    note = workspace.unfinished("ingest")
    if not note.exists():
        workspace.create()
        try:
            note.touch()
            fsync_folder(note.parent)
        except OSError as error:
            raise disk_error(error, note) from None


def remove_leavings(workspace: Workspace, used: Collection[str]) -> None:
    """Shards that no document lies in any more, journals, and what a kill left half written, tables as well."""
    leavings = [path for path in workspace.texts.glob("*") if path.suffix != ".parquet" or path.stem not in used]
    leavings += [path for name in TABLES for path in workspace.tables.glob(f".{name}.parquet.*.part")]
    for path in sorted(leavings):
        path.unlink(missing_ok=True)
