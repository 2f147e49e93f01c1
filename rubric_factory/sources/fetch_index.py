"""What is known of every remote item: SQLite beside the originals. A row is written after its bytes are durable, so a kill loses only what
was under way, and nothing that was finished is asked for twice.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rubric_factory import sqlfiles
from rubric_factory.errors import WorkspaceError
from rubric_factory.sources.protocol import Metadata, Problem

FILE = "index.sqlite"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an item is: bytes (sha256), or a problem (reason). url: asked for; final_url: found at."""

    url: str
    final_url: str = ""
    sha256: str = ""
    size_bytes: int = 0
    etag: str = ""
    last_modified: str = ""
    reason: str = ""
    detail: str = ""

    @property
    def problem(self) -> Problem | None:
        """As an entry carries it."""
        return (self.reason, self.detail) if self.reason else None


@dataclass(frozen=True, slots=True)
class State:
    """What an item is now. at: when that was last confirmed (seconds since 1970); again: the last try failed in a way that may pass."""

    fetched: Fetched
    fetch: int
    at: float
    again: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One item as a listing names it. url: '' where it has no bytes; problem: why it is no document."""

    item: str
    url: str
    metadata: Metadata
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """How far a listing is. Times in seconds since 1970; total: -1 unknown; idle: pages on end that named nothing new."""

    query: str
    started_at: float
    next_page: int = 1
    records: int = 0
    total: int = -1
    pass_: int = 1
    idle: int = 0
    complete: bool = False
    valid_from: float = 0.0


class FetchIndex:
    """The open index of a workspace. Errors of every method: WorkspaceError (damaged file, full disk)."""

    def __init__(self, folder: Path, *, make: bool) -> None:
        """make: create file and tables; otherwise the file is there (`exists`) and is only read."""
        self._path = folder / FILE
        with self._errors():
            if make:
                folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode={'rwc' if make else 'rw'}", uri=True, timeout=60.0, isolation_level=None
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA synchronous = FULL")  # and no WAL: a reader leaves no file behind
        if make:
            self._migrate()

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether there is an index: a run that was killed at once leaves an empty file."""
        if not (folder / FILE).exists():
            return False
        with FetchIndex(folder, make=False) as index:
            return bool(index._rows("is_made"))

    def __enter__(self) -> "FetchIndex":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def state(self, source: str, item: str) -> State | None:
        """What an item is now; None if it was never asked for."""
        rows = self._rows("find_state", source=source, item=item)
        if not rows:
            return None
        row = rows[0]
        fetched = Fetched(**{name: row[name] for name in Fetched.__slots__})
        return State(fetched, row["id"], row["at"], bool(row["again"]))

    def acquired(self, source: str) -> int:
        """Items of a source whose bytes were had."""
        return int(self._rows("count_acquired", source=source)[0]["items"])

    def settle(self, source: str, item: str, fetched: Fetched, at: float, *, again: bool = False) -> None:
        """What was found of an item; a new row of history only if it is something new."""
        with self._transaction():
            before = self.state(source, item)
            if before is not None and before.fetched == fetched:
                fetch = before.fetch
            else:
                fetch = self._run("add_fetch", source=source, item=item, at=at, **asdict(fetched)).lastrowid or 0
            self._run("set_check", source=source, item=item, fetch_id=fetch, at=at, again=int(again))

    def ask_again(self, source: str, item: str) -> None:
        """The last try failed; what was had before stays."""
        with self._transaction():
            self._run("ask_again", source=source, item=item)

    def begin_round(self, source: str, now: float) -> float:
        """When the round under way began: now, or when one that did not end did."""
        rows = self._rows("find_round", source=source)
        if rows and not rows[0]["finished"]:
            return float(rows[0]["started_at"])
        with self._transaction():
            self._run("set_round", source=source, started_at=now, finished=0)
        return now

    def end_round(self, source: str, started_at: float) -> None:
        """Everything due was asked for."""
        with self._transaction():
            self._run("set_round", source=source, started_at=started_at, finished=1)

    def listing(self, source: str) -> Listing | None:
        """How far the listing of a source is; None if there was none."""
        rows = self._rows("find_listing", source=source)
        if not rows:
            return None
        row = dict(rows[0])
        return Listing(pass_=row.pop("pass"), complete=bool(row.pop("complete")), **row)

    def list_page(self, source: str, listing: Listing, found: Sequence[Listed] = ()) -> None:
        """A page of items and how far that brings the listing, all or nothing."""
        row = asdict(listing)
        row["pass"] = row.pop("pass_")
        with self._transaction():
            for item in found:
                reason, detail = item.problem or ("", "")
                known = json.dumps(asdict(item.metadata), ensure_ascii=False, sort_keys=True)
                self._run(
                    "set_listed",
                    source=source,
                    item=item.item,
                    url=item.url,
                    metadata=known,
                    reason=reason,
                    detail=detail,
                    seen_at=listing.started_at,
                )
            self._run("set_listing", source=source, **row)

    def listed(self, source: str, since: float) -> Iterator[Listed]:
        """Items that were listed since, by item."""
        with self._errors():
            cursor = self._connection.execute(sqlfiles.statement("originals", "listed"), {"source": source, "since": since})
            for row in cursor:
                problem = (row["reason"], row["detail"]) if row["reason"] else None
                yield Listed(row["item"], row["url"], Metadata(**json.loads(row["metadata"])), problem)

    def is_listed(self, source: str, item: str, since: float) -> bool:
        """Whether an item was listed since."""
        return bool(self._rows("find_listed", source=source, item=item, since=since))

    def count_listed(self, source: str, since: float) -> int:
        """Number of items that were listed since."""
        return int(self._rows("count_listed", source=source, since=since)[0]["items"])

    def _run(self, statement: str, **parameters: Any) -> sqlite3.Cursor:
        return self._connection.execute(sqlfiles.statement("originals", statement), parameters)

    def _rows(self, name: str, **parameters: Any) -> list[sqlite3.Row]:
        with self._errors():
            return list(self._run(name, **parameters))

    def _migrate(self) -> None:
        with self._transaction():
            self._connection.execute(sqlfiles.statement("originals_migrations", "0000_migrations"))
            done = {row["name"] for row in self._run("migrations")}
            for name in sqlfiles.names("originals_migrations"):
                if name not in done and name != "0000_migrations":
                    self._connection.execute(sqlfiles.statement("originals_migrations", name))
                    self._run("add_migration", name=name)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise WorkspaceError(
                f"the index of originals {self._path} cannot be used: {error}",
                expected="free space on a local, writable disk",
                fix="mend that and run again: what was fetched is kept",
            ) from None
        except sqlite3.DatabaseError as error:
            raise WorkspaceError(
                f"the index of originals {self._path} is damaged: {error}",
                expected="the SQLite file of what was fetched",
                fix="move it away and run again: everything is asked for anew",
            ) from None
