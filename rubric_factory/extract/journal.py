"""What a shard has so far, one JSON line per finished document: a killed run continues where it stopped.

Outcomes that wait for their turn wait here and not in memory. Lines are flushed, not fsynced: after a power cut a few documents are
parsed again, nothing else.
"""

import dataclasses
import json
import os
from pathlib import Path

from rubric_factory.extract.isolation import Outcome
from rubric_factory.workspace import disk_error


class Journal:
    """Append-only file of outcomes. found: offset of the outcome of each index that an earlier run noted. Errors: WorkspaceError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = path.open("a+b")
            self.found = self._replay()
            self._end = self._handle.seek(0, os.SEEK_END)
        except OSError as error:
            raise disk_error(error, path) from error

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._handle.close()

    def remove(self) -> None:
        """Close and delete the file: its shard is written."""
        self.close()
        self._path.unlink(missing_ok=True)

    def add(self, outcome: Outcome) -> int:
        """Note a finished document; the offset to read it back from."""
        row = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
        line = json.dumps(row).encode() + b"\n"
        offset = self._end
        try:
            self._handle.write(line)
            self._handle.flush()
        except OSError as error:
            raise disk_error(error, self._path) from error
        self._end += len(line)
        return offset

    def read(self, offset: int) -> Outcome:
        """An outcome noted before."""
        self._handle.seek(offset)
        return _outcome(self._handle.readline())

    def _replay(self) -> dict[int, int]:
        """Offsets by index; a line that a kill cut short is cut off, so that the next one begins a line."""
        found: dict[int, int] = {}
        self._handle.seek(0)
        offset = 0
        for line in self._handle:
            try:
                index = _outcome(line).index
            except (ValueError, KeyError, TypeError):
                index = None
            if not line.endswith(b"\n"):
                self._handle.truncate(offset)
                break
            if index is not None:
                found[index] = offset
            offset += len(line)
        return found


def _outcome(line: bytes) -> Outcome:
    """Errors: ValueError, KeyError, TypeError for a line that is none."""
    row = json.loads(line)
    refused = tuple(row["refused"]) if row["refused"] else None
    return Outcome(row["index"], row["seconds"], row["reply"], refused, row.get("peak_mb", 0))
