"""Signatures and shingles of many sets in one file, so that millions are compared without being held.

A file: int64 number of sets n, int64 offsets[n + 1] into the shingles, uint8 signatures[n][PERMUTATIONS], uint32 shingles; little-endian.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rubric_factory.errors import WorkspaceError
from rubric_factory.passages.lsh import PERMUTATIONS, Signatures, signatures
from rubric_factory.passages.shingles import Hashes


def write_prints(path: Path, sets: Sequence[Hashes]) -> None:
    """Write one file: n sets of sorted distinct hashes, and their signatures."""
    offsets = np.cumsum([0, *(len(one) for one in sets)], dtype="<i8")
    with path.open("wb") as file:
        file.write(np.asarray([len(sets)], dtype="<i8").tobytes())
        file.write(offsets.tobytes())
        file.write(signatures(sets).tobytes())
        file.write(b"".join([one.astype("<u4").tobytes() for one in sets]))
        file.flush()
        os.fsync(file.fileno())


class Prints:
    """Sets that lie in files: set i is row rows[i] of paths[files[i]]. Nothing is held but the offsets of files that were asked for."""

    def __init__(self, paths: Sequence[Path], files: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> None:
        self._paths, self.files, self.rows = paths, files, rows
        self._offsets: dict[int, npt.NDArray[np.int64]] = {}

    def signatures(self) -> Signatures:
        """Signatures of all sets, (n, PERMUTATIONS). Errors: WorkspaceError for a missing or damaged file."""
        found = np.empty((len(self.files), PERMUTATIONS), dtype=np.uint8)
        for file, where in self._by_file(np.arange(len(self.files))):
            with _opened(self._paths[file]) as handle:
                offsets = self._offsets_of(file, handle)
                block = _read(handle, _signatures_at(offsets), (len(offsets) - 1) * PERMUTATIONS)
            found[where] = np.frombuffer(block, dtype=np.uint8).reshape(-1, PERMUTATIONS)[self.rows[where]]
        return found

    def sizes(self, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Number of hashes of each wanted set."""
        found = np.zeros(len(wanted), dtype=np.int64)
        for file, where in self._by_file(wanted):
            if file not in self._offsets:
                with _opened(self._paths[file]) as handle:
                    self._offsets_of(file, handle)
            offsets, rows = self._offsets[file], self.rows[wanted[where]]
            found[where] = offsets[rows + 1] - offsets[rows]
        return found

    def sets(self, wanted: npt.NDArray[np.int64]) -> list[Hashes]:
        """The wanted sets, in the order asked for. Errors: WorkspaceError."""
        found: list[Hashes] = [np.empty(0, dtype=np.uint32)] * len(wanted)
        for file, where in self._by_file(wanted):
            with _opened(self._paths[file]) as handle:
                offsets = self._offsets_of(file, handle)
                start = _signatures_at(offsets) + (len(offsets) - 1) * PERMUTATIONS
                for at in where.tolist():
                    row = int(self.rows[wanted[at]])
                    first, last = int(offsets[row]), int(offsets[row + 1])
                    found[at] = np.frombuffer(_read(handle, start + 4 * first, 4 * (last - first)), dtype="<u4")
        return found

    def _by_file(self, wanted: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
        """(file, positions in wanted that lie in it)."""
        if not len(wanted):
            return
        files = self.files[wanted]
        order = np.argsort(files, kind="stable")
        edges = np.flatnonzero(np.diff(files[order])) + 1
        for where in np.split(order, edges):
            yield int(files[where[0]]), where

    def _offsets_of(self, file: int, handle: int) -> npt.NDArray[np.int64]:
        if file not in self._offsets:
            count = int(np.frombuffer(_read(handle, 0, 8), dtype="<i8")[0])
            self._offsets[file] = np.frombuffer(_read(handle, 8, 8 * (count + 1)), dtype="<i8")
        return self._offsets[file]


def _signatures_at(offsets: npt.NDArray[np.int64]) -> int:
    return 8 + 8 * len(offsets)


class _opened:
    """A file descriptor for positioned reads: pages read so are not counted as this process's memory, as mapped ones would be."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        try:
            self._handle = os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise WorkspaceError(
                f"cannot read {self._path}: {error.strerror}",
                expected="what was made of the passages",
                fix="run rubric-factory passages again",
            ) from None
        return self._handle

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _read(handle: int, offset: int, size: int) -> bytes:
    data = os.pread(handle, size, offset)
    while len(data) < size:
        more = os.pread(handle, size - len(data), offset + len(data))
        if not more:
            raise WorkspaceError(
                "a file of prints is shorter than it says", fix="remove passages/ in the workspace, and run passages again"
            )
        data += more
    return data
