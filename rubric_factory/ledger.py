"""The ledger of paid calls: SQLite, the truth. A call is written down before it is sent, its answer before it is handed on.

One file serves every process of one machine: WAL, synchronous=FULL, and a lease per call in flight, so that nothing is paid twice.
A lease is a lock the kernel holds for its process, and so ends with it, however it ends.
"""

import contextlib
import fcntl
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from rubric_factory import sqlfiles
from rubric_factory.errors import WorkspaceError

BUSY_SECONDS = 60.0
# File systems where SQLite's locks and shared memory do not hold between machines, or at all.
NETWORK_FILE_SYSTEMS = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "smb3",
        "smbfs",
    ]
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one call. failure: '' or why it is no usable text; seconds: wall time; tokens as the server counted."""

    text: str
    failure: str = ""
    detail: str = ""
    endpoint: str = ""
    served_model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Claims:
    """Outcome of a claim, every key in exactly one part. mine: send these; busy: another process has them under way."""

    mine: list[str] = field(default_factory=list)
    answered: dict[str, Answer] = field(default_factory=dict)
    dead: dict[str, str] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)


class Leases:
    """One lock file per live owner, in a folder beside the ledger."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: TextIO | None = None
        self.owner = f"{os.getpid()}-{secrets.token_hex(8)}"

    def hold(self) -> None:
        """Lock this owner's file, once. Locked before its name is written anywhere, so nobody can take it for a dead one."""
        if self._handle is None:
            self._folder.mkdir(exist_ok=True)
            self._handle = (self._folder / self.owner).open("x")
            fcntl.flock(self._handle, fcntl.LOCK_EX)

    def alive(self, owner: str) -> bool:
        """Whether the owner's process still runs; the file of a dead one is removed."""
        path = self._folder / owner
        try:
            with path.open() as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            (self._folder / self.owner).unlink(missing_ok=True)
            self._handle.close()
            self._handle = None


class Ledger:
    """An open ledger, usable from several threads. Errors of every method: WorkspaceError (damaged file, full disk)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.RLock()
        self._leases = Leases(path.with_name(path.name + ".leases"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(f"cannot make {path.parent}: {error.strerror}", expected="a writable folder") from None
        with self._errors():
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        self._migrate()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and end the lease."""
        with self._mutex, self._errors():
            self._connection.close()
            self._leases.close()

    def claim(self, keys: Sequence[str], model: str, revision: str) -> Claims:
        """Take the lease of every key that nobody has answered, given up or under way; say how the others stand. keys: distinct.

        Durable on return: what is `mine` may be sent. Stored answers cost no write.
        """
        claims = Claims()
        with self._mutex, self._errors():
            if open_keys := self._sort(keys, claims):
                with self._transaction():
                    self._leases.hold()
                    claims.mine.extend(self._sort(open_keys, claims, leased=True))
                    parameters = [{"key": key, "model": model, "revision": revision, "owner": self._leases.owner} for key in claims.mine]
                    self._connection.executemany(sqlfiles.statement("ledger", "claim_call"), parameters)
        return claims

    def settle(
        self, answers: Mapping[str, Answer], failures: Mapping[str, str], released: Iterable[str] = (), *, give_up_after: int = 3
    ) -> None:
        """Commit, in one transaction, answers, failed attempts (key: reason) and leases given back without an attempt."""
        now = time.time()
        with self._mutex, self._errors(), self._transaction():
            self._many("store_answer", [{"key": key, "answered_at": now, **asdict(answer)} for key, answer in answers.items()])
            self._many("close_call", [{"key": key} for key in answers])
            self._many("fail_call", [{"key": key, "reason": why, "give_up_after": give_up_after} for key, why in failures.items()])
            self._many("release_call", [{"key": key, "owner": self._leases.owner} for key in released])

    def summary(self) -> list[dict[str, Any]]:
        """One row per model, revision and state (open, in_flight, answered, dead): calls, sent, tokens of both kinds, seconds."""
        return self._rows("summary")

    def dead(self) -> list[dict[str, Any]]:
        """One row per dead letter: key, attempts, reason."""
        return self._rows("dead_calls")

    def _sort(self, keys: Iterable[str], claims: Claims, *, leased: bool = False) -> list[str]:
        """Put each key into its part of claims; those that are free to take are returned. leased: look at who holds the others."""
        free: list[str] = []
        owners = {"": False, self._leases.owner: True}
        find = sqlfiles.statement("ledger", "find_call")
        for key in keys:
            row = self._connection.execute(find, {"key": key}).fetchone()
            if row is not None and row["state"] == "answered":
                claims.answered[key] = Answer(**{name: row[name] for name in Answer.__slots__})
            elif row is not None and row["state"] == "dead":
                claims.dead[key] = f"given up after {row['attempts']} runs: {row['reason']}"
            elif leased and row is not None and row["state"] == "in_flight":
                owner = row["owner"]
                if owner not in owners:
                    owners[owner] = self._leases.alive(owner)
                (claims.busy if owners[owner] else free).append(key)
            else:
                free.append(key)
        return free

    def _many(self, name: str, parameters: list[dict[str, Any]]) -> None:
        self._connection.executemany(sqlfiles.statement("ledger", name), parameters)

    def _rows(self, name: str) -> list[dict[str, Any]]:
        with self._mutex, self._errors():
            return [dict(row) for row in self._connection.execute(sqlfiles.statement("ledger", name))]

    def _migrate(self) -> None:
        with self._mutex, self._errors(), self._transaction():
            self._connection.execute(sqlfiles.statement("ledger_migrations", "0000_migrations"))
            done = {row["name"] for row in self._rows("migrations")}
            for name in sqlfiles.names("ledger_migrations"):
                if name not in done and name != "0000_migrations":
                    self._connection.execute(sqlfiles.statement("ledger_migrations", name))
                    self._many("add_migration", [{"name": name}])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
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
        except sqlite3.OperationalError as error:
            raise WorkspaceError(
                f"the ledger {self._path} cannot be used: {error}",
                expected="free space on a local, writable disk",
                fix="mend that and run again: every committed answer is kept",
            ) from None
        except sqlite3.DatabaseError as error:
            raise WorkspaceError(
                f"the ledger {self._path} is damaged: {error}",
                expected="the SQLite file of paid answers",
                fix="restore it from a copy, or move it away and pay again",
            ) from None


def file_system(path: Path, mounts: str) -> str:
    """Type of the file system that holds path (absolute), from the text of /proc/self/mounts; '' if none matches."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if (point == path or point in path.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def check_local(path: Path) -> None:
    """Refuse a network file system. Where the system does not say (no /proc), nothing is refused. Errors: WorkspaceError."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    kind = file_system(path.resolve(), mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise WorkspaceError(
            f"{path} lies on a network file system ({kind})",
            expected="a local disk: the ledger's locks do not hold on a network file system",
            fix="name a local folder with --workspace",
        )
