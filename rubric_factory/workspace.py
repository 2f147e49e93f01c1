"""The workspace on disk: where everything lies, atomic writes, and the one-writer lock."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rubric_factory.errors import WorkspaceError


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths under one root. Nothing else in the library builds a workspace path by hand."""

    root: Path

    @property
    def texts(self) -> Path:
        """Parquet shards of extracted texts."""
        return self.root / "texts"

    @property
    def originals(self) -> Path:
        """Content-addressed bytes of documents from remote sources."""
        return self.root / "originals"

    @property
    def spool(self) -> Path:
        """Files that a source makes for the parsers, each for as long as it is parsed; of no value once an ingest has ended."""
        return self.root / "spool"

    @property
    def tables(self) -> Path:
        """Exported warehouse tables, <table>.parquet: what readers use and `doctor --repair` rebuilds from."""
        return self.root / "tables"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file: a rebuildable index."""
        return self.root / "warehouse.duckdb"

    @property
    def ledger(self) -> Path:
        """The SQLite file of paid calls: the truth."""
        return self.root / "ledger.sqlite"

    @property
    def datasets(self) -> Path:
        """Published versions: <name>/<version>/."""
        return self.root / "datasets"

    @property
    def staging(self) -> Path:
        """Versions that are being made: <name>/."""
        return self.root / "staging"

    @property
    def requests(self) -> Path:
        """What a trained policy fails at: the author's work list, append-only JSONL (dataset contract)."""
        return self.root / "requests.jsonl"

    @property
    def review(self) -> Path:
        """What people decided about tasks, append-only JSONL (dataset contract)."""
        return self.root / "review.jsonl"

    @property
    def locks(self) -> Path:
        """Judge locks and probe results, by judge and set of tasks."""
        return self.root / "locks"

    @property
    def verdicts(self) -> Path:
        """What judges said of answers, criterion by criterion: <stage>.parquet."""
        return self.root / "verdicts"

    @property
    def runs(self) -> Path:
        """Training runs: <run_id>/."""
        return self.root / "runs"

    @property
    def policies(self) -> Path:
        """Base policies made on the spot, shared by the runs of one seed: <key>/."""
        return self.root / "policies"

    @property
    def reports(self) -> Path:
        """Re-rendered pages and resolved settings of every command."""
        return self.root / "reports"

    def judge_token(self, port: int) -> Path:
        """Who may use the `judge serve` of a port: there while it runs."""
        return self.root / f".judge-serve-{port}.token"

    @property
    def progress(self) -> Path:
        """One JSON file a stage: what `status` reads."""
        return self.root / "progress"

    @property
    def prefect(self) -> Path:
        """Home of the orchestrator's own files; of no value once a rebuild has ended."""
        return self.root / "prefect"

    def unfinished(self, stage: str) -> Path:
        """A note that is there while a stage changes tables which are not exported yet: who finds one exports them."""
        return self.root / f".{stage}.unfinished"

    def create(self) -> None:
        """Make the folder. Errors: WorkspaceError where that is impossible."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"cannot make the workspace {self.root}: {error.strerror}",
                expected="a writable folder",
                fix="name another with --workspace",
            ) from None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one-writer lock of this workspace. Errors: WorkspaceError when another process holds it, or nothing can be written."""
        self.create()
        path = self.root / ".writer"
        try:
            handle = path.open("a+")
        except OSError as error:
            raise disk_error(error, path) from None
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WorkspaceError(
                    f"another command is writing to {self.root}",
                    expected="one writer at a time",
                    fix="wait for it, or name another --workspace",
                ) from None
            yield


def disk_error(error: OSError, path: Path) -> WorkspaceError:
    """The error a person sees when writing to path failed."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkspaceError(
            f"no space left while writing {path}", expected="free disk space", fix="free some and run the command again: it continues"
        )
    return WorkspaceError(
        f"cannot write {path}: {error.strerror or error}", expected="a writable disk", fix="check the path, then run again"
    )


def fsync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; on success it is fsynced and renamed over it, on failure removed.

    Errors: WorkspaceError for a full or read-only disk.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.rename(path)
        fsync_folder(path.parent)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file atomically and durably. Errors: WorkspaceError."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
