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

from rubric_factory import warehouse
from rubric_factory.errors import UsageError
from rubric_factory.extract.compare import TABLES, Plan, compare
from rubric_factory.extract.folding import begin, fold_shard, reasons, remove_leavings, settle
from rubric_factory.extract.isolation import Pool
from rubric_factory.extract.shard import Shard, digester, extract_shards
from rubric_factory.settings.sources import Source
from rubric_factory.sources.open import open_sources
from rubric_factory.sources.protocol import Reader
from rubric_factory.stages import Context, StageReport

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
    todo = compare(context.workspace, context.settings.extract, _readers(context), limit)
    if not todo.seen:
        raise _empty(context)
    return todo


def ingest_shards(
    context: Context, shards: Sequence[Shard], advance: Callable[[int], None] = lambda count: None
) -> Generator[tuple[str, dict[str, int]]]:
    """Parse shards into texts/<name>.parquet and fold each into the warehouse: (name, {"kept": n, "refused": n}) as each is done.

    The parser processes are shared: they begin with the next shard while the last documents of one are under way.
    """
    if not shards:
        return
    workspace, settings = context.workspace, context.settings.extract
    begin(workspace)
    total = sum(len(shard.entries) for shard in shards)
    enough = settings.model_copy(update={"workers": min(settings.workers, 1 + total // _DOCUMENTS_PER_WORKER)})
    digest = digester(settings)
    with Pool(enough) as pool, warehouse.opened(workspace) as house:
        for shard in extract_shards(workspace, settings, shards, _readers(context), pool, advance):
            yield shard.name, fold_shard(workspace, house, shard, digest)


def finish(context: Context, todo: Plan, *, folded: Collection[str] = ()) -> tuple[dict[str, int], dict[str, int]]:
    """Fold what is not folded yet, drop what vanished, mark duplicates, export: (counts, rejections by reason), of this run."""
    documents, rejections = todo.documents, dict[str, int]()
    if not todo.idle:
        workspace, digest = context.workspace, digester(context.settings.extract)
        begin(workspace)
        with warehouse.opened(workspace) as house:
            for shard in todo.shards:
                if shard.name not in folded:
                    fold_shard(workspace, house, shard, digest)
            settle(house, todo, digest)
            house.export(*TABLES)
            remove_leavings(workspace, {row["shard"] for row in house.rows("ingest_shards")})
            documents, rejections = house.rows("ingest_kept")[0]["documents"], reasons(house, todo.handled)
        shutil.rmtree(workspace.spool, ignore_errors=True)
        workspace.unfinished("ingest").unlink(missing_ok=True)
    kept = todo.to_read + len(todo.refused) - sum(rejections.values())
    counts = {"documents_seen": todo.seen, "kept": kept, "unchanged": todo.unchanged, "documents": documents}
    counts |= {"opened": todo.to_read, "vanished": len(todo.vanished)}
    if todo.waiting:
        counts["waiting"] = todo.waiting
    return counts, rejections


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
