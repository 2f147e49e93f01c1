"""One shard of entries to one Parquet file: a plain function over files, which any process may run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rubric_factory.extract.isolation import Job, Outcome, Pool
from rubric_factory.extract.journal import Journal
from rubric_factory.extract.result import EXTRACTION
from rubric_factory.extract.texts import is_complete, shard_path, write_shard
from rubric_factory.records import Document, Rejection, Section, content_id
from rubric_factory.settings.extract import ExtractSettings
from rubric_factory.sources.folder import Entry
from rubric_factory.tables import document_to_row
from rubric_factory.workspace import Workspace

# Settings that say how the work is done and not what comes out.
_MECHANICAL = {"workers", "shard_documents", "recycle_documents"}


@dataclass(frozen=True, slots=True)
class Shard:
    """Entries that are parsed and committed together, in key order. name: hash of them and of the settings."""

    name: str
    entries: tuple[Entry, ...]


def entry_digest(entry: Entry, settings: ExtractSettings) -> str:
    """What the outcome of an entry depends on besides its bytes: settings, code, licence, and why it is not opened."""
    limits = settings.model_dump(mode="json", exclude=_MECHANICAL)
    return content_id("entry", EXTRACTION, limits, entry.licence, entry.problem)


def shards_of(entries: Sequence[Entry], settings: ExtractSettings) -> tuple[Shard, ...]:
    """Entries, in key order, cut into shards of settings.shard_documents."""
    size = settings.shard_documents
    parts = [tuple(entries[start : start + size]) for start in range(0, len(entries), size)]
    return tuple(
        Shard(content_id([[e.document_key, e.size_bytes, e.modified_ns, e.changed_ns, entry_digest(e, settings)] for e in part])[:32], part)
        for part in parts
    )


def extract_shard(workspace: Workspace, settings: ExtractSettings, shard: Shard, pool: Pool, advance: Callable[[int], None]) -> None:
    """Parse the entries of a shard and write texts/<name>.parquet; a complete one is left as it is, a begun one continued.

    advance is called with 1 per finished document. Errors: WorkspaceError on a full disk, MissingExtraError.
    """
    path = shard_path(workspace, shard.name)
    journal_path = path.with_suffix(".journal")
    if is_complete(path):
        advance(len(shard.entries))
    else:
        with Journal(journal_path) as journal:
            write_shard(path, _results(settings, shard, pool, journal, advance))
    journal_path.unlink(missing_ok=True)


def _results(
    settings: ExtractSettings, shard: Shard, pool: Pool, journal: Journal, advance: Callable[[int], None]
) -> Iterator[dict[str, Any] | Rejection]:
    """Results in entry order, whatever the order in which the documents finish."""
    waiting = {index: outcome for index, outcome in journal.found.items() if index < len(shard.entries)}
    advance(len(waiting))
    jobs = [Job(index, _request(entry, settings)) for index, entry in enumerate(shard.entries) if index not in waiting]
    position = 0

    def ready() -> Iterator[dict[str, Any] | Rejection]:
        nonlocal position
        while position in waiting:
            yield _result(shard, shard.entries[position], waiting.pop(position), settings)
            position += 1

    yield from ready()
    for outcome in pool.run(jobs):
        journal.add(outcome)
        advance(1)
        waiting[outcome.index] = outcome
        yield from ready()


def _request(entry: Entry, settings: ExtractSettings) -> dict[str, Any]:
    return {
        "path": entry.path,
        "max_bytes": settings.max_bytes,
        "min_characters": settings.min_characters,
        "max_characters": settings.max_characters,
    }


def _result(shard: Shard, entry: Entry, outcome: Outcome, settings: ExtractSettings) -> dict[str, Any] | Rejection:
    """A reply as a row of TEXTS; what a worker says is checked like any other input."""
    if outcome.refused:
        return Rejection(entry.document_key, "ingest", *outcome.refused)
    reply = outcome.reply or {}
    try:
        if "refused" in reply:
            reason, detail = reply["refused"]
            return Rejection(entry.document_key, "ingest", str(reason), str(detail))
        document = Document(
            document_key=entry.document_key,
            source=entry.source,
            source_uri=entry.source_uri,
            licence=entry.licence,
            sections=tuple(Section(s["start"], s["level"], s["title"]) for s in reply["sections"]),
            page_starts=tuple(reply["page_starts"]),
            **{name: reply[name] for name in _REPLIED},
        )
        return document_to_row(
            document,
            words=int(reply["words"]),
            removed_characters=int(reply["removed_characters"]),
            settings_digest=entry_digest(entry, settings),
            shard=shard.name,
            seconds=round(outcome.seconds, 6),
        )
    except (KeyError, TypeError, ValueError) as error:
        return Rejection(entry.document_key, "ingest", "worker_crashed", f"a malformed reply: {type(error).__name__}")


_REPLIED = ("document_id", "media_type", "size_bytes", "text", "title", "authors", "language", "genre", "extractor")
