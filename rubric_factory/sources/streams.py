"""Bytes of a file of the user's, decompressed as they are read, with caps: what comes out never depends on trust in what went in."""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

# Below this many bytes a ratio says nothing: a page of blanks compresses a thousandfold and harms nobody.
_HARMLESS_BYTES = 16 << 20
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstandard"))
# What a damaged stream, of whichever compression, raises while it is read. OSError: bz2 and gzip say it so.
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)


class Bad(Exception):
    """Something in a source that is not read. reason: a snake_case word; detail: one line with the figure."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


class _Counted(io.RawIOBase):
    """A file that knows how much of it was read."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle, self.count = handle, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._handle.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


class Capped:
    """A readable stream that ends with Bad bomb once more than max_ratio bytes come out of one that goes in."""

    def __init__(self, stream: BinaryIO, counted: _Counted, max_ratio: int) -> None:
        self._stream, self._counted, self._max_ratio = stream, counted, max_ratio
        self._out = 0

    def read(self, size: int) -> bytes:
        """At most size bytes; b'' at the end. Errors: Bad bomb, damaged."""
        try:
            data = self._stream.read(size)
        except DAMAGED as error:
            raise Bad("damaged", f"{type(error).__name__}: {error}") from None
        return self._checked(data)

    def readline(self, size: int) -> bytes:
        """A line, or its first size bytes. Errors: as `read`."""
        try:
            data = self._stream.readline(size)
        except DAMAGED as error:
            raise Bad("damaged", f"{type(error).__name__}: {error}") from None
        return self._checked(data)

    def _checked(self, data: bytes) -> bytes:
        self._out += len(data)
        if self._out > max(_HARMLESS_BYTES, self._max_ratio * self._counted.count):
            raise Bad("bomb", f"more than {self._max_ratio} bytes come out of one that goes in")
        return data


@contextlib.contextmanager
def opened(path: Path, *, max_ratio: int) -> Iterator[Capped]:
    """The decompressed content of a file; whether and how it is compressed is told from its first bytes. Errors: Bad unreadable."""
    with contextlib.ExitStack() as stack:
        try:
            raw = stack.enter_context(open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb"))  # noqa: PTH123 - a descriptor
            head = raw.peek(8)
        except OSError as error:
            raise Bad("unreadable", error.strerror or str(error)) from None
        counted = _Counted(raw)
        buffered = stack.enter_context(io.BufferedReader(counted, 1 << 18))
        name = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
        yield Capped(cast(BinaryIO, _decompressed(buffered, name, stack)), counted, max_ratio)


def _decompressed(raw: io.BufferedIOBase, name: str, stack: contextlib.ExitStack) -> io.BufferedIOBase:
    if name == "gzip":
        return io.BufferedReader(stack.enter_context(gzip.GzipFile(fileobj=cast(BinaryIO, raw))), 1 << 18)
    if name == "bzip2":
        return io.BufferedReader(stack.enter_context(bz2.BZ2File(cast(BinaryIO, raw))), 1 << 18)
    if name == "xz":
        return io.BufferedReader(stack.enter_context(lzma.LZMAFile(cast(BinaryIO, raw))), 1 << 18)
    if name == "zstandard":
        import pyarrow as pa

        inner = stack.enter_context(pa.CompressedInputStream(stack.enter_context(pa.PythonFile(raw, mode="r")), "zstd"))
        return io.BufferedReader(cast(io.RawIOBase, inner), 1 << 18)
    return raw
