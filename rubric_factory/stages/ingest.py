"""Sources to texts: what is new or changed is parsed in shards, what vanished is dropped, byte-identical documents are refused.

`ingest` composes three functions that a flow may call itself: plan, ingest_shard (pure: files in, one Parquet shard out; any number
side by side) and finish (the one writer of the warehouse).
"""

import resource
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from rubric_factory import warehouse
from rubric_factory.errors import UsageError
from rubric_factory.extract.isolation import Pool
from rubric_factory.extract.shard import Shard, entry_digest, extract_shard, shards_of
from rubric_factory.extract.texts import read_shard, shard_path
from rubric_factory.records import Rejection
from rubric_factory.settings.sources import Source
from rubric_factory.sources.folder import Entry, entries
from rubric_factory.stages import Context, StageReport
from rubric_factory.tables import ENTRIES, rejection_rows
from rubric_factory.warehouse import Warehouse

# Refusals that are no property of the document: such an entry is tried again by the next run.
_TRANSIENT = frozenset(("unreadable",))


@dataclass(frozen=True)
class IngestReport(StageReport):
    """documents_seen == kept + sum of rejections. unchanged: entries not opened again. cpu_seconds: with the parser processes'."""

    documents_seen: int = 0
    kept: int = 0
    unchanged: int = 0
    cpu_seconds: float = 0.0
    peak_rss_mb: float = 0.0


def _cpu_seconds() -> float:
    """CPU time of this process and of its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@dataclass(frozen=True)
class Meter:
    """Measures an ingest from here to its report."""

    began: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=_cpu_seconds)

    def report(self, counts: dict[str, int], rejections: dict[str, int]) -> IngestReport:
        """What `finish` counted, with the seconds and the memory that it all took."""
        return IngestReport(
            stage="ingest",
            counts=counts,
            rejections=rejections,
            seconds=time.monotonic() - self.began,
            documents_seen=counts["documents_seen"],
            kept=counts["kept"],
            unchanged=counts["unchanged"],
            cpu_seconds=_cpu_seconds() - self.cpu,
            peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


@dataclass(frozen=True)
class Plan:
    """What a run has to do. refused: entries that are not opened; vanished: keys that no source has any more; seen: all entries.

    seen == unchanged + entries of shards + refused + waiting (those past the limit).
    """

    shards: tuple[Shard, ...]
    refused: tuple[Entry, ...]
    vanished: tuple[str, ...]
    seen: int
    unchanged: int
    waiting: int = 0


def ingest(context: Context, sources: Sequence[Source] | None = None) -> IngestReport:
    """Bring texts and documents up to date with the sources (the configured ones, if none are given).

    Errors: UsageError for a missing folder or an empty corpus, ConfigurationError for a bad licence table, WorkspaceError for a full
    disk. A kill at any point loses the documents under way, nothing else.
    """
    meter = Meter()
    todo = plan(context, sources)
    total = sum(len(shard.entries) for shard in todo.shards)
    with context.progress.step("ingest", total, "documents") as step:
        with Pool(context.settings.extract) as pool:
            for shard in todo.shards:
                ingest_shard(context, shard, pool=pool, advance=step.advance)
                with warehouse.opened(context.workspace) as house:
                    _fold_shard(context, house, shard)
        counts, rejections = finish(context, todo, folded={shard.name for shard in todo.shards})
    return meter.report(counts, rejections)


def plan(context: Context, sources: Sequence[Source] | None = None, *, limit: int | None = None) -> Plan:
    """Compare the sources with the last ingest; nothing is opened, written or made. limit: read the first entries alone, in key order.

    Errors: as `ingest`.
    """
    chosen = context.settings.sources if sources is None else tuple(sources)
    _check_places(context, chosen)
    settings = context.settings.extract
    everything = sorted((e for source in chosen for e in entries(source, max_bytes=settings.max_bytes)), key=lambda e: e.document_key)
    if not everything:
        raise _empty(chosen)
    present = {path.stem for path in context.workspace.texts.glob("*.parquet")}
    last = _last_ingest(context)
    settled = {
        row["document_key"]: (row["size_bytes"], row["modified_ns"], row["changed_ns"], row["settings_digest"])
        for row in last
        if row["shard"] is None or row["shard"] in present
    }
    states = [
        (e, settled.get(e.document_key) == (e.size_bytes, e.modified_ns, e.changed_ns, entry_digest(e, settings))) for e in everything
    ]
    changed = [e for e, same in states[:limit] if not same]
    unchanged = sum(same for _, same in states)
    return Plan(
        shards=shards_of([e for e in changed if e.problem is None], settings),
        refused=tuple(e for e in changed if e.problem is not None),
        vanished=tuple(sorted({row["document_key"] for row in last} - {e.document_key for e in everything})),
        seen=len(everything),
        unchanged=unchanged,
        waiting=len(everything) - unchanged - len(changed),
    )


def ingest_shard(
    context: Context, shard: Shard, *, pool: Pool | None = None, advance: Callable[[int], None] = lambda count: None
) -> dict[str, int]:
    """Parse one shard into texts/<name>.parquet, with parser processes of its own if no pool is given: {"kept": n, "refused": n}."""
    settings = context.settings.extract
    if pool is None:
        with Pool(settings) as own:
            extract_shard(context.workspace, settings, shard, own, advance)
    else:
        extract_shard(context.workspace, settings, shard, pool, advance)
    documents, refused = read_shard(shard_path(context.workspace, shard.name))
    return {"kept": documents.num_rows, "refused": len(refused)}


def finish(context: Context, todo: Plan, *, folded: Collection[str] = ()) -> tuple[dict[str, int], dict[str, int]]:
    """Fold what is not folded yet, drop what vanished, mark duplicates, export: (counts, rejections by reason)."""
    with warehouse.opened(context.workspace) as house:
        for shard in todo.shards:
            if shard.name not in folded:
                _fold_shard(context, house, shard)
        with house.transaction():
            _fold_refused(context, house, todo.refused)
            _drop(house, todo.vanished, "entries", "documents", "rejections")
        with house.transaction():
            for statement in ("ingest_mark_duplicates", "ingest_drop_duplicates", "ingest_reject_duplicates"):
                house.run(statement)
        rejections = {row["reason"]: row["documents"] for row in house.rows("ingest_reasons")}
        kept = house.rows("ingest_kept")[0]["documents"]
        used = {row["shard"] for row in house.rows("ingest_shards")}
        house.export("entries", "documents", "rejections")
    _remove_orphans(context, used)
    opened = sum(len(shard.entries) for shard in todo.shards)
    counts = {"documents_seen": todo.seen, "kept": kept, "unchanged": todo.unchanged, "opened": opened, "vanished": len(todo.vanished)}
    if todo.waiting:
        counts["waiting"] = todo.waiting
    return counts, rejections


def _last_ingest(context: Context) -> list[dict[str, Any]]:
    """Rows of ingest_settled; none where there is no warehouse yet, which an estimate must not make."""
    if not context.workspace.warehouse.exists() and not warehouse.exported_rows(context.workspace):
        return []
    with warehouse.opened(context.workspace) as house:
        return house.rows("ingest_settled")


def check_sources(context: Context, sources: Sequence[Source] | None = None) -> None:
    """What a command asks before it makes the workspace. Errors: as `ingest`, save for the disk."""
    chosen = context.settings.sources if sources is None else tuple(sources)
    _check_places(context, chosen)
    firsts = [next(entries(source, max_bytes=context.settings.extract.max_bytes), None) for source in chosen]
    if not any(firsts):
        raise _empty(chosen)


def _empty(sources: Sequence[Source]) -> UsageError:
    places = ", ".join(str(source.path) for source in sources) or "(no source)"
    return UsageError(f"empty corpus: no file in {places}", expected="at least one document", fix="check the sources")


def _check_places(context: Context, sources: Sequence[Source]) -> None:
    names = [source.name for source in sources]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"two sources are named {twice[0]}", expected="one name per source", fix="give each a name in the configuration")
    root = context.workspace.root.resolve()
    for source in sources:
        if root.is_relative_to(source.path.resolve()):
            raise UsageError(
                f"the workspace {root} lies in the source {source.path}", expected="them apart", fix="name another --workspace"
            )


def _fold_shard(context: Context, house: Warehouse, shard: Shard) -> None:
    """Documents, refusals and entries of a shard, all or nothing."""
    documents, refused = read_shard(shard_path(context.workspace, shard.name))
    transient = {r.record_id for r in refused if r.reason in _TRANSIENT}
    with house.transaction():
        _drop(house, [r.record_id for r in refused], "documents")
        _drop(house, documents["document_key"].to_pylist(), "rejections")
        house.fold("documents", documents)
        house.fold("rejections", rejection_rows(refused))
        house.fold("entries", _entry_rows(context, shard.entries, transient))


def _fold_refused(context: Context, house: Warehouse, refused: Sequence[Entry]) -> None:
    """Entries that were not opened."""
    rows = [Rejection(entry.document_key, "ingest", *entry.problem) for entry in refused if entry.problem]
    _drop(house, [row.record_id for row in rows], "documents")
    house.fold("rejections", rejection_rows(rows))
    house.fold("entries", _entry_rows(context, refused, frozenset()))


def _entry_rows(context: Context, found: Sequence[Entry], transient: Collection[str]) -> pa.Table:
    """Rows of `entries`; a transient refusal leaves no digest, so that the next run tries again."""
    settings = context.settings.extract
    rows = [
        {
            "document_key": e.document_key,
            "source": e.source,
            "size_bytes": e.size_bytes,
            "modified_ns": e.modified_ns,
            "changed_ns": e.changed_ns,
            "settings_digest": "" if e.document_key in transient else entry_digest(e, settings),
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


def _remove_orphans(context: Context, used: Collection[str]) -> None:
    """Shards that no document lies in any more, journals, and what a kill left half written."""
    for path in sorted(context.workspace.texts.glob("*")) + sorted(context.workspace.texts.glob(".*.part")):
        if path.suffix != ".parquet" or path.stem not in used:
            path.unlink(missing_ok=True)
