"""Members of a tar archive, read from front to end, whatever it is compressed with."""

import tarfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Self, cast

from rubric_factory.settings.local_sources import ArchiveSource
from rubric_factory.sources.protocol import Problem
from rubric_factory.sources.streamed import Member
from rubric_factory.sources.streams import Bad, Capped, opened

_CHUNK = 1 << 20
# Names and attributes of a member that precede it; tarfile reads them whole.
_MAX_HEADER_BYTES = 1 << 20
_HEADERS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_KINDS = {
    tarfile.SYMTYPE: ("symlink", "a link is not followed"),
    tarfile.LNKTYPE: ("hardlink", "a link is not followed"),
    tarfile.CHRTYPE: ("device", "a device is not opened"),
    tarfile.BLKTYPE: ("device", "a device is not opened"),
    tarfile.FIFOTYPE: ("fifo", "a fifo is not opened"),
    tarfile.GNUTYPE_SPARSE: ("sparse", "a sparse file is not expanded"),
}


class _Tar(tarfile.TarFile):
    """A tar file that knows how it ended: tarfile takes garbage between members for the end."""

    ended = ""


class _Header(tarfile.TarInfo):
    """A header that is not read whole when it is no header's size."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        tar = cast(_Tar, tarfile)
        try:
            return super().fromtarfile(tarfile)
        except _END_OF_ARCHIVE:
            tar.ended = "whole"
            raise
        except _NO_HEADER as error:
            tar.ended = str(error)
            raise

    def _proc_member(self, tarfile: tarfile.TarFile) -> Self:  # the hook that tarfile offers to subclasses
        if self.type in _HEADERS and self.size > _MAX_HEADER_BYTES:
            raise Bad("damaged_archive", f"a header of {self.size} bytes, at most {_MAX_HEADER_BYTES} are read")
        return cast(Self, super()._proc_member(tarfile))  # type: ignore[misc]

    # Maps of sparse files in pax headers are not read: such members are refused, and a map may be anything.
    def _proc_gnusparse_00(self, next: tarfile.TarInfo, *_: object) -> None:
        next.sparse = b""

    _proc_gnusparse_01 = _proc_gnusparse_10 = _proc_gnusparse_00


class _Ending:
    """A stream that may be asked once past its end: a member of a size that is none would be skipped for days."""

    def __init__(self, stream: Capped) -> None:
        self._stream, self._ended = stream, False

    def read(self, size: int) -> bytes:
        """As `Capped.read`. Errors: also Bad damaged_archive."""
        data = self._stream.read(size)
        if not data and self._ended:
            raise Bad("damaged_archive", "cut short: a member is longer than the archive")
        self._ended = not data
        return data


_END_OF_ARCHIVE = tarfile.EOFHeaderError  # type: ignore[attr-defined]
_NO_HEADER = tarfile.HeaderError
# What tarfile lets through of headers whose values are none, or that stand in a row without end.
_BAD_HEADER = (ValueError, OverflowError, IndexError, KeyError, RecursionError)


def tar_members(source: ArchiveSource, max_bytes: int) -> Iterator[tuple[str, Member]]:
    """(name, member) of everything but folders. Errors: Bad damaged_archive, bomb, unreadable."""
    with opened(source.path, max_ratio=source.max_ratio) as stream:
        try:
            yield from _walk(stream, max_bytes)
        except (tarfile.TarError, *_BAD_HEADER) as error:
            raise Bad("damaged_archive", f"cut short, or no archive: {error}") from None
        except Bad as bad:
            raise Bad("damaged_archive", bad.detail) if bad.reason == "damaged" else bad from None


def _walk(stream: Capped, max_bytes: int) -> Iterator[tuple[str, Member]]:
    with _Tar.open(fileobj=cast(IO[bytes], _Ending(stream)), mode="r|", tarinfo=_Header) as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # or they would all be kept
            if not info.isdir():
                yield info.name, Member("", info.size, problem=_problem(info, max_bytes), chunks=partial(_chunks, tar, info))
        if tar.ended != "whole":
            raise Bad("damaged_archive", f"cut short: {tar.ended or 'no end of archive'}")


def _problem(info: tarfile.TarInfo, max_bytes: int) -> Problem | None:
    if info.type in _KINDS:
        return _KINDS[info.type]
    if info.issparse():
        return _KINDS[tarfile.GNUTYPE_SPARSE]
    if not info.isreg():
        return "unsupported", f"a member of type {info.type!r}"
    if info.size <= 0:
        return "empty", f"{info.size} bytes"
    if info.size > max_bytes:
        return "too_large", f"{info.size} bytes, at most {max_bytes} are opened"
    return None


def _chunks(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    """The content. Errors: Bad."""
    handle = tar.extractfile(info)
    if handle is None:
        raise AssertionError("only regular members are read")
    left = info.size
    while left:
        try:
            chunk = handle.read(min(left, _CHUNK))
        except tarfile.TarError as error:
            raise Bad("damaged", str(error)) from None
        if not chunk:
            raise Bad("damaged", f"{left} bytes are missing")
        left -= len(chunk)
        yield chunk
