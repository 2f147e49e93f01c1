"""Bytes of remote documents under originals/, by their sha256: written beside, fsynced, renamed; a kill leaves a whole file or none."""

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rubric_factory.workspace import disk_error, fsync_folder

HEAD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Original:
    """What was stored: sha256 as hex digest."""

    sha256: str
    size_bytes: int


class Part:
    """A file under way; made with the first byte. head: its first bytes, at most HEAD_BYTES. Errors of every method: WorkspaceError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f".{secrets.token_hex(8)}.part"
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        self.head = b""

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def write(self, data: bytes, /) -> None:
        """Take a piece."""
        try:
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("xb")
            self._file.write(data)
        except OSError as error:
            raise disk_error(error, self._path) from error
        self._hash.update(data)
        self.size_bytes += len(data)
        if len(self.head) < HEAD_BYTES:
            self.head = (self.head + data)[:HEAD_BYTES]

    def reset(self) -> None:
        """Forget what was written."""
        self._drop()
        self._hash = hashlib.sha256()
        self.size_bytes, self.head = 0, b""

    def keep(self) -> Original:
        """Make it an original, durably; bytes that are there already are not written again."""
        sha256 = self._hash.hexdigest()
        path = original_path(self._folder, sha256)
        try:
            if self._file is None:
                raise FileNotFoundError(f"nothing was written to {self._path}")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            path.parent.mkdir(exist_ok=True)
            self._path.replace(path)
            fsync_folder(path.parent)
            fsync_folder(self._folder)
        except OSError as error:
            raise disk_error(error, path) from error
        self._file = None
        return Original(sha256, self.size_bytes)

    def _drop(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
            self._path.unlink(missing_ok=True)


def original_path(folder: Path, sha256: str) -> Path:
    """Where the bytes with this digest lie."""
    return folder / sha256[:2] / sha256


def remove_parts(folder: Path) -> None:
    """What a kill left half written; the caller holds the workspace."""
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)
