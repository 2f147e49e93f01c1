"""What a shard has so far, one JSON line per finished document: a killed run continues where it stopped.

Lines are flushed, not fsynced: after a power cut a few documents are parsed again, nothing else.
"""

import dataclasses
import json
from pathlib import Path
from types import TracebackType

from rubric_factory.extract.isolation import Outcome
from rubric_factory.workspace import disk_error


class Journal:
    """Append-only file of outcomes; a context manager. Errors: WorkspaceError on a full disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.found = _replay(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = path.open("a", encoding="utf-8")
            if self._handle.tell() and not path.read_bytes().endswith(b"\n"):
                self._handle.write("\n")  # closes the line that a kill cut short
        except OSError as error:
            raise disk_error(error, path) from error

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._handle.close()

    def add(self, outcome: Outcome) -> None:
        """Note a finished document."""
        try:
            self._handle.write(json.dumps(dataclasses.asdict(outcome)) + "\n")
            self._handle.flush()
        except OSError as error:
            raise disk_error(error, self._path) from error


def _replay(path: Path) -> dict[int, Outcome]:
    """Outcomes by index; lines that a kill cut short are passed over."""
    found: dict[int, Outcome] = {}
    if not path.exists():
        return found
    with path.open(encoding="utf-8", errors="replace") as handle:
        for line in handle:
            try:
                row = json.loads(line)
                refused = tuple(row["refused"]) if row["refused"] else None
                found[row["index"]] = Outcome(row["index"], row["seconds"], row["reply"], refused)
            except (ValueError, KeyError, TypeError):
                continue
    return found
