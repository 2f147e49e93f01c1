"""Objects of a store (S3 and whatever else fsspec speaks) as a source: listed, and what is new or changed copied to originals/.

The listing is the conditional request: an object whose ETag (or size and time) is as it was is not read again.
"""

import dataclasses
import itertools
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from rubric_factory.errors import MissingExtraError, SourceError
from rubric_factory.progress import Progress, Step
from rubric_factory.settings.remote_sources import ObjectStoreSource
from rubric_factory.sources.acquire import Wanted, is_due
from rubric_factory.sources.fetch_index import Fetched, FetchIndex, Listed, Listing
from rubric_factory.sources.originals import Original, Part, remove_parts
from rubric_factory.sources.protocol import UNKNOWN, Entry, Problem, Reader, escape
from rubric_factory.sources.remote_entry import remote_entry
from rubric_factory.text import printable
from rubric_factory.workspace import Workspace

_PIECE = 1024 * 1024
_LISTED_AT_ONCE = 1000
_FOR_EVER = float("inf")  # an object is asked for again when its listing changes, and only then


class ObjectStore(Reader):
    """Every object below a prefix, by its path below it. Keys: name + '/' + that path."""

    remote = True

    def __init__(self, source: ObjectStoreSource, workspace: Workspace, *, max_bytes: int) -> None:
        super().__init__(source.name, source.url)
        self._source, self._originals, self._max_bytes = source, workspace.originals, max_bytes

    def acquire(self, progress: Progress, limit: int | None = None) -> None:
        """List the store, then copy what is new or changed. Errors: SourceError for a store that cannot be listed, MissingExtraError."""
        files = self._open()
        remove_parts(self._originals)
        with FetchIndex(self._originals, make=True) as index:
            with progress.step(f"list {self.name}", None, "objects") as step:
                since = self._list(files, index, step)
            start = index.begin_round(self.name, time.time())
            listed = itertools.islice(index.listed(self.name, since), limit)
            wanted = [Wanted(item.item, item.url) for item in listed if item.problem is None]
            due = [w for w in wanted if is_due(index.state(self.name, w.item), w, self._originals, start, _FOR_EVER)]
            if due:
                with progress.step(f"fetch {self.name}", len(due), "objects") as step:
                    self._copy_all(files, index, due, step)
            if limit is None:
                index.end_round(self.name, start)

    def entries(self) -> Iterator[Entry]:
        """What was listed, in the order of keys; nothing before the first ingest."""
        if not FetchIndex.exists(self._originals):
            return
        with FetchIndex(self._originals, make=False) as index:
            listing = index.listing(self.name)
            for item in index.listed(self.name, listing.valid_from) if listing and listing.query == self._source.url else ():
                state = index.state(self.name, item.item) if item.problem is None else None
                yield remote_entry(self._source, self._originals, item.item, item.url, state, item.problem)

    def _open(self) -> Any:
        """The store behind the URL. Errors: MissingExtraError, SourceError."""
        try:
            import fsspec
        except ImportError:
            raise MissingExtraError.of("fsspec", "s3") from None
        protocol = self._source.url.partition("://")[0]
        try:
            return fsspec.filesystem(protocol, **self._source.options)
        except ImportError as error:
            raise MissingExtraError.of(error.name or protocol, "s3") from None
        except ValueError as error:
            raise SourceError(f"{self._source.url}: {printable(str(error))}", expected="a store that fsspec knows, as s3://") from None

    def _list(self, files: Any, index: FetchIndex, step: Step) -> float:
        """List every object; the listing counts only when it is whole. From when on items are of it (seconds since 1970)."""
        root = files._strip_protocol(self._source.url).rstrip("/")
        before = index.listing(self.name)
        same = before is not None and before.query == self._source.url
        listing = Listing(self._source.url, time.time(), valid_from=before.valid_from if same and before else time.time())
        try:
            found = files.find(root, detail=True)
        except _errors() as error:
            raise SourceError(
                f"the store {self._source.url} cannot be listed: {printable(str(error) or type(error).__name__)}",
                expected="a bucket or folder that may be read",
                fix="check url, options and the credentials in the environment, then run again",
            ) from None
        items = [self._item(root, name, about) for name, about in found.items()]
        for start in range(0, len(items), _LISTED_AT_ONCE):
            part = items[start : start + _LISTED_AT_ONCE]
            index.list_page(self.name, listing, part)
            step.advance(len(part))
        index.list_page(self.name, dataclasses.replace(listing, total=len(items), complete=True, valid_from=listing.started_at))
        return listing.started_at

    def _item(self, root: str, name: str, about: dict[str, Any]) -> Listed:
        size = int(about.get("size") or 0)
        changed = about.get("ETag") or about.get("LastModified") or about.get("mtime") or about.get("created") or ""
        problem: Problem | None = None
        if size == 0:
            problem = ("empty", "0 bytes")
        elif size > self._max_bytes:
            problem = ("too_large", f"{size} bytes, at most {self._max_bytes} are taken")
        return Listed(
            escape(name.removeprefix(root).lstrip("/") or name.rpartition("/")[2]), _versioned(name, f"{size}.{changed}"), UNKNOWN, problem
        )

    def _copy_all(self, files: Any, index: FetchIndex, due: list[Wanted], step: Step) -> None:
        """Copy side by side; what was found is written down here alone."""
        waiting = iter(due)
        under_way: dict[Future[Original | Problem], Wanted] = {}
        with ThreadPoolExecutor(self._source.concurrency) as pool:
            while True:
                for wanted in waiting:
                    under_way[pool.submit(_copy, files, wanted, self._originals, self._max_bytes)] = wanted
                    if len(under_way) >= 2 * self._source.concurrency:
                        break
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    self._settle(index, under_way.pop(future), future.result())
                    step.advance()

    def _settle(self, index: FetchIndex, wanted: Wanted, found: "Original | Problem") -> None:
        if isinstance(found, Original):
            fetched = Fetched(wanted.url, wanted.url, found.sha256, found.size_bytes)
        else:
            fetched = Fetched(wanted.url, reason=found[0], detail=found[1])
        index.settle(self.name, wanted.item, fetched, time.time(), again=fetched.reason == "unreadable")


def _errors() -> tuple[type[Exception], ...]:
    """What a store raises: fsspec's stores raise OSErrors, but for the client library of S3."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return (OSError, ValueError)
    return (OSError, ValueError, BotoCoreError, ClientError)


def _versioned(name: str, version: str) -> str:
    """An object and its version as one address. The last '#' parts them: a version may hold one of its own, a name too."""
    return f"{name}#{version.replace('%', '%25').replace('#', '%23')}"


def _name(url: str) -> str:
    return url.rpartition("#")[0]


def _copy(files: Any, wanted: Wanted, originals: Path, max_bytes: int) -> Original | Problem:
    """One object to originals/, at most max_bytes of it."""
    try:
        with Part(originals) as part, files.open(_name(wanted.url), "rb", cache_type="none") as handle:
            while data := handle.read(_PIECE):
                if part.size_bytes + len(data) > max_bytes:
                    return ("too_large", f"more than {max_bytes} bytes came")
                part.write(data)
            return part.keep() if part.size_bytes else ("empty", "0 bytes")
    except _errors() as error:
        return ("unreadable", printable(f"{type(error).__name__}: {error}"))
