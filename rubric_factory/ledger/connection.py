"""One SQLite file, opened so that a commit is durable: WAL, synchronous=FULL; its migrations, transactions, and errors for a person."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rubric_factory import sqlfiles
from rubric_factory.errors import WorkspaceError

BUSY_SECONDS = 60.0


class Connection:
    """An open file, usable from several threads: one statement or transaction at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mutex = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(f"cannot make {path.parent}: {error.strerror}", expected="a writable folder") from None
        with self.errors():
            self._sqlite = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._sqlite.row_factory = sqlite3.Row
            self._sqlite.execute("PRAGMA journal_mode = WAL")
            self._sqlite.execute("PRAGMA synchronous = FULL")
        self._migrate()

    def close(self) -> None:
        """Close the file."""
        with self._mutex, self.errors():
            self._sqlite.close()

    def execute(self, text: str) -> None:
        """Run a statement that is none of SQL's data language: PRAGMA, VACUUM."""
        with self._mutex, self.errors():
            self._sqlite.execute(text).fetchall()

    def rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """All rows of sql/ledger/<name>.sql."""
        with self._mutex, self.errors():
            return [dict(row) for row in self._sqlite.execute(sqlfiles.statement("ledger", name), parameters)]

    def many(self, name: str, parameters: Sequence[dict[str, Any]]) -> None:
        """Run sql/ledger/<name>.sql once for each set of parameters; inside `transaction`."""
        if parameters:
            self._sqlite.executemany(sqlfiles.statement("ledger", name), parameters)

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """Nobody else in this process uses the connection meanwhile. Errors: WorkspaceError."""
        with self._mutex, self.errors():
            yield

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable at the end; other writers wait. Errors: WorkspaceError."""
        with self._mutex, self.errors():
            self._sqlite.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._sqlite.execute("COMMIT")
            except BaseException:
                if self._sqlite.in_transaction:
                    self._sqlite.execute("ROLLBACK")
                raise

    def _migrate(self) -> None:
        with self.transaction():
            self._sqlite.execute(sqlfiles.statement("ledger_migrations", "0000_migrations"))
            done = {row["name"] for row in self.rows("migrations")}
            for name in sqlfiles.names("ledger_migrations"):
                if name not in done and name != "0000_migrations":
                    self._sqlite.execute(sqlfiles.statement("ledger_migrations", name))
                    self.many("add_migration", [{"name": name}])

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """SQLite's errors as WorkspaceError."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise WorkspaceError(
                f"the ledger {self.path} cannot be used: {error}",
                expected="free space on a local, writable disk",
                fix="mend that and run again: every committed answer is kept",
            ) from None
        except sqlite3.IntegrityError as error:
            raise WorkspaceError(
                f"the ledger {self.path} refuses a row: {error}", expected="a row that fits its tables", fix="correct what was read in"
            ) from None
        except sqlite3.DatabaseError as error:
            raise WorkspaceError(
                f"the ledger {self.path} is damaged: {error}",
                expected="the SQLite file of paid answers",
                fix="restore it from a copy, or move it away and pay again",
            ) from None
