"""Shards of entries to Parquet files: plain functions over files, which any process may run.

One stream of jobs runs through all shards, so that the parser processes do not idle where one shard ends and the next begins.
"""

import contextlib
import dataclasses
import functools
import itertools
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rubric_factory.extract.isolation import Job, Outcome, Pool
from rubric_factory.extract.journal import Journal
from rubric_factory.extract.result import EXTRACTION
from rubric_factory.extract.texts import ShardWriter, is_complete, shard_path
from rubric_factory.records import Document, Rejection, Section, content_id
from rubric_factory.settings.extract import ExtractSettings
from rubric_factory.sources.protocol import Entry, Metadata, Problem, Reader
from rubric_factory.tables import document_to_row
from rubric_factory.workspace import Workspace

# Settings that say how the work is done and not what comes out.
_MECHANICAL = {"workers", "shard_documents", "recycle_documents"}
UNKNOWN_LICENCE = "unknown"  # the one that gives way to what the document says of itself
_METADATA = tuple(field.name for field in dataclasses.fields(Metadata))
_REPLIED = ("document_id", "media_type", "size_bytes", "text", "language", "genre", "extractor")


@dataclass(frozen=True, slots=True)
class Shard:
    """Entries that are parsed and committed together, in the order of their source. name: hash of them and of the settings."""

    name: str
    entries: tuple[Entry, ...]


def digester(settings: ExtractSettings) -> Callable[[Entry], str]:
    """What the outcome of an entry depends on besides its content: settings, code, and what its source says of it."""
    limits = settings.model_dump(mode="json", exclude=_MECHANICAL)

    @functools.lru_cache(maxsize=4096)  # most entries of a source say the same
    def digest(licence: str, problem: Problem | None, media_type: str, metadata: Metadata) -> str:
        return content_id("entry", EXTRACTION, limits, licence, problem, media_type, dataclasses.astuple(metadata))

    return lambda entry: digest(entry.licence, entry.problem, entry.media_type, entry.metadata)


def shards_of(entries: Sequence[Entry], settings: ExtractSettings) -> tuple[Shard, ...]:
    """Entries cut into shards of settings.shard_documents, their order kept."""
    size, digest = settings.shard_documents, digester(settings)
    parts = [tuple(entries[start : start + size]) for start in range(0, len(entries), size)]
    return tuple(Shard(content_id([[e.document_key, e.marker, digest(e)] for e in part])[:32], part) for part in parts)


def extract_shards(
    workspace: Workspace,
    settings: ExtractSettings,
    shards: Sequence[Shard],
    readers: Mapping[str, Reader],
    pool: Pool,
    advance: Callable[[int], None],
) -> Iterator[Shard]:
    """Parse the entries of the shards into texts/<name>.parquet each; every shard once, as it is finished.

    A complete one is left as it is, a begun one continued. readers: by name of source. advance is called with the number of documents
    finished. Errors: WorkspaceError on a full disk, MissingExtraError, SourceError.
    """
    run = _Run(workspace, settings, readers, advance)
    try:
        for outcome in pool.run(run.jobs(shards)):
            run.take(outcome)
            yield from run.finished()
        yield from run.finished()
    finally:
        run.close()


@dataclass(frozen=True, slots=True)
class _Task:
    """One entry on its way: the shard it belongs to, and its place there."""

    shard: "_Growing"
    index: int
    entry: Entry


class _Growing:
    """A shard that is being written, in entry order, whatever the order in which the documents finish."""

    def __init__(self, path: Path, shard: Shard, row: Callable[[Shard, Entry, Outcome], dict[str, Any] | Rejection]) -> None:
        self.shard, self._row = shard, row
        self._writer = ShardWriter(path)
        self._journal = Journal(path.with_suffix(".journal"))
        self._waiting = {index: at for index, at in self._journal.found.items() if index < len(shard.entries)}
        self.missing = [index for index in range(len(shard.entries)) if index not in self._waiting]
        self._position = 0
        self._drain()

    @property
    def done(self) -> bool:
        """Whether every entry has its outcome."""
        return self._position == len(self.shard.entries)

    def take(self, outcome: Outcome) -> None:
        """Note an outcome, and write what can be written in order."""
        at = self._journal.add(outcome)
        if outcome.index == self._position:
            self._write(outcome)
        else:
            self._waiting[outcome.index] = at
        self._drain()

    def _drain(self) -> None:
        while self._position in self._waiting:
            self._write(self._journal.read(self._waiting.pop(self._position)))

    def _write(self, outcome: Outcome) -> None:
        self._writer.add(self._row(self.shard, self.shard.entries[self._position], outcome))
        self._position += 1

    def finish(self) -> None:
        """Make the file what its name says; the journal has served."""
        self._writer.commit()
        self._journal.remove()

    def close(self) -> None:
        """Leave an unfinished shard: its journal stays for the next run."""
        self._writer.abort()
        self._journal.close()


class _Run:
    """All shards of one call: which are under way, and which document is on which parser."""

    def __init__(
        self, workspace: Workspace, settings: ExtractSettings, readers: Mapping[str, Reader], advance: Callable[[int], None]
    ) -> None:
        self._workspace, self._settings, self._readers, self._advance = workspace, settings, readers, advance
        self._spool = workspace.spool / str(os.getpid())
        self._digest = digester(settings)
        self._open: list[_Growing] = []
        self._ready: deque[Shard] = deque()
        self._at: dict[int, tuple[_Task, Path | None]] = {}

    def jobs(self, shards: Sequence[Shard]) -> Iterator[Job]:
        """What is to be parsed, made as it is asked for."""
        numbers = itertools.count()
        for source, group in itertools.groupby(self._tasks(shards), key=lambda task: task.entry.source):
            for task, found in self._files(self._readers[source], group):
                if isinstance(found, str):
                    number = next(numbers)
                    self._at[number] = task, Path(found) if task.entry.path is None else None
                    yield Job(number, self._request(task.entry, found))
                else:
                    self._finish(task, Outcome(task.index, 0.0, refused=found))

    def _tasks(self, shards: Sequence[Shard]) -> Iterator[_Task]:
        """Entries that no earlier run has finished."""
        for shard in shards:
            path = shard_path(self._workspace, shard.name)
            if is_complete(path):
                path.with_suffix(".journal").unlink(missing_ok=True)
                self._advance(len(shard.entries))
                self._ready.append(shard)
                continue
            growing = _Growing(path, shard, self._row)
            self._open.append(growing)
            self._advance(len(shard.entries) - len(growing.missing))
            self._close_if_done(growing)
            for index in growing.missing:
                yield _Task(growing, index, shard.entries[index])

    def _files(self, reader: Reader, tasks: Iterator[_Task]) -> Iterator[tuple[_Task, str | Problem]]:
        asked: deque[_Task] = deque()

        def entries() -> Iterator[Entry]:
            for task in tasks:
                asked.append(task)
                yield task.entry

        for _, found in reader.materialise(entries(), self._spool):
            yield asked.popleft(), found

    def take(self, outcome: Outcome) -> None:
        """An outcome of the pool, by the number of its job."""
        task, file = self._at.pop(outcome.index)
        if file is not None:
            file.unlink(missing_ok=True)
        self._finish(task, dataclasses.replace(outcome, index=task.index))

    def _finish(self, task: _Task, outcome: Outcome) -> None:
        task.shard.take(outcome)
        self._advance(1)
        self._close_if_done(task.shard)

    def _close_if_done(self, growing: _Growing) -> None:
        if growing.done:
            growing.finish()
            self._open.remove(growing)
            self._ready.append(growing.shard)

    def finished(self) -> Iterator[Shard]:
        """Shards that are complete and were not told of yet."""
        while self._ready:
            yield self._ready.popleft()

    def close(self) -> None:
        """Leave what is unfinished for the next run."""
        for growing in self._open:
            growing.close()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._spool)

    def _request(self, entry: Entry, path: str) -> dict[str, Any]:
        return {
            "path": path,
            "media_type": entry.media_type,
            "max_bytes": self._settings.max_bytes,
            "min_characters": self._settings.min_characters,
            "max_characters": self._settings.max_characters,
        }

    def _row(self, shard: Shard, entry: Entry, outcome: Outcome) -> dict[str, Any] | Rejection:
        return result_of(shard, entry, outcome, self._digest(entry))


def result_of(shard: Shard, entry: Entry, outcome: Outcome, digest: str) -> dict[str, Any] | Rejection:
    """A reply as a row of TEXTS; what a worker says is checked like any other input."""
    if outcome.refused:
        return Rejection(entry.document_key, "ingest", *outcome.refused)
    reply = outcome.reply or {}
    try:
        if "refused" in reply:
            reason, detail = reply["refused"]
            return Rejection(entry.document_key, "ingest", str(reason), str(detail))
        known: dict[str, Any] = {name: getattr(entry.metadata, name) or str(reply.get(name, "")) for name in _METADATA}
        document = Document(
            document_key=entry.document_key,
            source=entry.source,
            source_uri=entry.source_uri,
            licence=entry.licence if entry.licence != UNKNOWN_LICENCE else str(reply.get("licence") or UNKNOWN_LICENCE),
            sections=tuple(Section(s["start"], s["level"], s["title"]) for s in reply["sections"]),
            page_starts=tuple(reply["page_starts"]),
            **{name: reply[name] for name in _REPLIED},
            **known,
        )
        return document_to_row(
            document,
            words=int(reply["words"]),
            removed_characters=int(reply["removed_characters"]),
            settings_digest=digest,
            shard=shard.name,
            seconds=round(outcome.seconds, 6),
        )
    except (KeyError, TypeError, ValueError) as error:
        return Rejection(entry.document_key, "ingest", "worker_crashed", f"a malformed reply: {type(error).__name__}")
