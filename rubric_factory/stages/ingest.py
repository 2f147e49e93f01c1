"""Sources to texts: what is new or changed is parsed in shards, what vanished is dropped, byte-identical documents are refused.

`ingest` composes functions that a flow may call itself: acquire (what lies elsewhere is brought here), plan (nothing is made),
ingest_shards (files in, one Parquet shard out each) and finish (duplicates, exports).
"""

import dataclasses
import resource
import shutil
import time
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from rubric_factory import warehouse
from rubric_factory.errors import UsageError
from rubric_factory.extract.isolation import Pool
from rubric_factory.extract.shard import Shard, digester, extract_shards, shards_of
from rubric_factory.extract.texts import read_shard, shard_path
from rubric_factory.records import Rejection
from rubric_factory.settings.sources import Source
from rubric_factory.sources.open import open_sources
from rubric_factory.sources.protocol import Entry, Reader
from rubric_factory.stages import Context, StageReport
from rubric_factory.tables import ENTRIES, rejection_rows
from rubric_factory.warehouse import Warehouse
from rubric_factory.workspace import write_text

# Refusals that are no property of the document: such an entry is tried again by the next run.
_TRANSIENT = frozenset(("unreadable", "changed"))
_TABLES = ("entries", "documents", "rejections")
# A parser process takes a second to start: a handful of documents is done before a second one is.
_DOCUMENTS_PER_WORKER = 32


@dataclass(frozen=True)
class IngestReport(StageReport):
    """What this run did: documents_seen == kept + sum of rejections + unchanged (+ waiting, under a limit).

    kept, rejections: of the entries that were new, changed or to be tried again. unchanged: entries that are as the last run left
    them, kept or refused. counts["documents"]: what the corpus holds now. cpu_seconds: with the parser processes'.
    """

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

    seen == unchanged + entries of shards + refused + waiting (those past the limit). behind: an earlier run was stopped before its end.
    documents: what the corpus held before.
    """

    shards: tuple[Shard, ...]
    refused: tuple[Entry, ...]
    vanished: tuple[str, ...]
    seen: int
    unchanged: int
    waiting: int = 0
    behind: bool = False
    documents: int = 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.shards or self.refused or self.vanished or self.behind)

    @property
    def to_read(self) -> int:
        """Entries that will be opened."""
        return sum(len(shard.entries) for shard in self.shards)


def ingest(context: Context, sources: Sequence[Source] | None = None, *, limit: int | None = None) -> IngestReport:
    """Bring texts and documents up to date with the sources (the configured ones, if none are given).

    limit: read the first entries alone, in listed order; the others wait.

    Errors: UsageError for a missing folder or an empty corpus, ConfigurationError for a bad licence table, WorkspaceError for a full
    disk. A kill at any point loses the documents under way, nothing else.
    """
    meter = Meter()
    context = with_sources(context, sources)
    acquire(context, limit=limit)
    todo = plan(context, limit=limit)
    with context.progress.step("ingest", todo.to_read, "documents") as step:
        folded = {name for name, _ in ingest_shards(context, todo.shards, step.advance)}
        counts, rejections = finish(context, todo, folded=folded)
    return meter.report(counts, rejections)


def with_sources(context: Context, sources: Sequence[Source] | None) -> Context:
    """The context with other sources than the configured ones, if any are given."""
    if sources is None:
        return context
    return dataclasses.replace(context, settings=context.settings.model_copy(update={"sources": tuple(sources)}))


def acquire(context: Context, *, limit: int | None = None) -> None:
    """Bring what lies elsewhere into the workspace; limit: for the first entries of each source alone.

    Errors: as `ingest`, SourceError for a source that cannot be read at all.
    """
    for reader in _readers(context).values():
        reader.acquire(context.progress, limit)


def plan(context: Context, *, limit: int | None = None) -> Plan:
    """Compare the sources with the last ingest; nothing is opened, written or made. limit: read the first entries alone, in listed order.

    Errors: as `ingest`.
    """
    settings = context.settings.extract
    digest = digester(settings)
    last, documents = _last_ingest(context)
    present = {path.stem for path in context.workspace.texts.glob("*.parquet")}
    seen: set[str] = set()
    changed: list[Entry] = []
    unchanged = 0
    for reader in _readers(context).values():
        for entry in reader.entries():
            if entry.document_key in seen:
                raise AssertionError(f"{entry.document_key} is listed twice")
            seen.add(entry.document_key)
            marker, settled, shard = last.get(entry.document_key, (None, None, None))
            if marker == entry.marker and settled == digest(entry) and (shard is None or shard in present):
                unchanged += 1
            elif limit is None or len(seen) <= limit:
                changed.append(entry)
    if not seen:
        raise _empty(context)
    return Plan(
        shards=shards_of([e for e in changed if e.problem is None], settings),
        refused=tuple(e for e in changed if e.problem is not None),
        vanished=tuple(sorted(last.keys() - seen)),
        seen=len(seen),
        unchanged=unchanged,
        waiting=len(seen) - unchanged - len(changed),
        behind=_behind(context),
        documents=documents,
    )


def ingest_shards(
    context: Context, shards: Sequence[Shard], advance: Callable[[int], None] = lambda count: None
) -> Generator[tuple[str, dict[str, int]]]:
    """Parse shards into texts/<name>.parquet and fold each into the warehouse: (name, {"kept": n, "refused": n}) as each is done.

    The parser processes are shared: they begin with the next shard while the last documents of one are under way.
    """
    if not shards:
        return
    _begin(context)
    total = sum(len(shard.entries) for shard in shards)
    settings = context.settings.extract
    enough = settings.model_copy(update={"workers": min(settings.workers, 1 + total // _DOCUMENTS_PER_WORKER)})
    with Pool(enough) as pool, warehouse.opened(context.workspace) as house:
        for shard in extract_shards(context.workspace, settings, shards, _readers(context), pool, advance):
            yield shard.name, _fold_shard(context, house, shard)


def finish(context: Context, todo: Plan, *, folded: Collection[str] = ()) -> tuple[dict[str, int], dict[str, int]]:
    """Fold what is not folded yet, drop what vanished, mark duplicates, export: (counts, rejections by reason), of this run."""
    documents, rejections = todo.documents, dict[str, int]()
    if not todo.idle:
        _begin(context)
        with warehouse.opened(context.workspace) as house:
            for shard in todo.shards:
                if shard.name not in folded:
                    _fold_shard(context, house, shard)
            with house.transaction():
                _fold_refused(context, house, todo.refused)
                _drop(house, todo.vanished, "entries", "documents", "rejections")
                for statement in ("ingest_mark_duplicates", "ingest_drop_duplicates", "ingest_reject_duplicates"):
                    house.run(statement)
            house.export(*_TABLES)
            _remove_orphans(context, {row["shard"] for row in house.rows("ingest_shards")})
            documents = house.rows("ingest_kept")[0]["documents"]
            rejections = _reasons(house, todo)
        _end(context)
    kept = todo.to_read + len(todo.refused) - sum(rejections.values())
    counts = {"documents_seen": todo.seen, "kept": kept, "unchanged": todo.unchanged, "documents": documents}
    counts |= {"opened": todo.to_read, "vanished": len(todo.vanished)}
    if todo.waiting:
        counts["waiting"] = todo.waiting
    return counts, rejections


def _reasons(house: Warehouse, todo: Plan) -> dict[str, int]:
    """Why entries of this run were refused: {reason: n}."""
    handled = [entry.document_key for shard in todo.shards for entry in shard.entries] + [entry.document_key for entry in todo.refused]
    with house.incoming(pa.table({"document_key": pa.array(handled, pa.string())})):
        return {row["reason"]: row["documents"] for row in house.rows("ingest_reasons")}


def _behind(context: Context) -> bool:
    """Whether the exported tables may lag behind the warehouse."""
    tables = context.workspace.tables
    return context.workspace.unfinished("ingest").exists() or not all((tables / f"{name}.parquet").exists() for name in _TABLES)


def _begin(context: Context) -> None:
    """Note, before anything is committed, that the tables will have to be exported: whoever is killed leaves the note behind."""
    note = context.workspace.unfinished("ingest")
    if not note.exists():
        write_text(note, "")


def _end(context: Context) -> None:
    shutil.rmtree(context.workspace.spool, ignore_errors=True)
    context.workspace.unfinished("ingest").unlink(missing_ok=True)


def _readers(context: Context) -> dict[str, Reader]:
    """Readers by name, in the order of names. Errors: UsageError for two of one name, or a workspace inside a source."""
    sources = context.settings.sources
    names = [source.name for source in sources]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"two sources are named {twice[0]}", expected="one name per source", fix="give each a name in the configuration")
    root = context.workspace.root.resolve()
    for path in (source.path for source in sources if source.type == "folder"):
        if root.is_relative_to(path.resolve()):
            raise UsageError(f"the workspace {root} lies in the source {path}", expected="them apart", fix="name another --workspace")
    return open_sources(sources, context.workspace, max_bytes=context.settings.extract.max_bytes)


def _last_ingest(context: Context) -> tuple[dict[str, tuple[str, str, str | None]], int]:
    """Marker, digest and shard of each entry, and the number of documents; none without a warehouse: an estimate must not make one."""
    if not context.workspace.warehouse.exists() and not warehouse.exported_rows(context.workspace):
        return {}, 0
    with warehouse.opened(context.workspace) as house:
        table, documents = house.run("ingest_settled"), house.rows("ingest_kept")[0]["documents"]
    columns = (table[name].to_pylist() for name in ("document_key", "marker", "settings_digest", "shard"))
    return {key: (marker, digest, shard) for key, marker, digest, shard in zip(*columns, strict=True)}, documents


def check_sources(context: Context, sources: Sequence[Source] | None = None) -> None:
    """What a command asks before it makes the workspace. Errors: as `ingest`, save for the disk."""
    context = with_sources(context, sources)
    readers = _readers(context).values()
    for reader in readers:
        reader.check()
    if not any(reader.remote or next(reader.entries(), None) for reader in readers):
        raise _empty(context)


def _empty(context: Context) -> UsageError:
    readers = _readers(context).values()
    places = ", ".join(reader.place for reader in readers) or "(no source)"
    remote = any(reader.remote for reader in readers)
    return UsageError(
        f"empty corpus: no document in {places}",
        expected="at least one document",
        fix="check the sources; what lies elsewhere is listed by `ingest`, which alone asks a network" if remote else "check the sources",
    )


def _fold_shard(context: Context, house: Warehouse, shard: Shard) -> dict[str, int]:
    """Documents, refusals and entries of a shard, all or nothing."""
    documents, refused = read_shard(shard_path(context.workspace, shard.name))
    transient = {r.record_id for r in refused if r.reason in _TRANSIENT}
    with house.transaction():
        _drop(house, [r.record_id for r in refused], "documents")
        _drop(house, documents["document_key"].to_pylist(), "rejections")
        with house.incoming(documents):
            house.run("ingest_fold_documents")
        house.fold("rejections", rejection_rows(refused))
        house.fold("entries", _entry_rows(context, shard.entries, transient))
    return {"kept": documents.num_rows, "refused": len(refused)}


def _fold_refused(context: Context, house: Warehouse, refused: Sequence[Entry]) -> None:
    """Entries that were not opened."""
    rows = [Rejection(entry.document_key, "ingest", *entry.problem) for entry in refused if entry.problem]
    _drop(house, [row.record_id for row in rows], "documents")
    house.fold("rejections", rejection_rows(rows))
    house.fold("entries", _entry_rows(context, refused, frozenset()))


def _entry_rows(context: Context, found: Sequence[Entry], transient: Collection[str]) -> pa.Table:
    """Rows of `entries`; a transient refusal leaves no digest, so that the next run tries again."""
    digest = digester(context.settings.extract)
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


def _remove_orphans(context: Context, used: Collection[str]) -> None:
    """Shards that no document lies in any more, journals, and what a kill left half written."""
    for path in sorted(context.workspace.texts.glob("*")):
        if path.suffix != ".parquet" or path.stem not in used:
            path.unlink(missing_ok=True)
