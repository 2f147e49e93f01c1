"""Members of a zip archive, from its central directory; the content is read when a parser is to have it."""

import stat
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rubric_factory.settings.local_sources import ArchiveSource
from rubric_factory.sources.protocol import Problem
from rubric_factory.sources.streamed import Member
from rubric_factory.sources.streams import DAMAGED, Bad

_CHUNK = 1 << 20
_HARMLESS_BYTES = 1 << 20
_DIRECTORY_BYTES = 512  # of one member in the central directory, names included; the format's least is 46
_DIRECTORY_SIZE = 5  # its place in the record of the end


def is_zip(path: Path) -> bool:
    """Whether a file begins, or at least ends, as a zip archive does. Errors: Bad unreadable."""
    try:
        with path.open("rb") as handle:
            return handle.read(4) in (b"PK\x03\x04", b"PK\x05\x06") or zipfile.is_zipfile(path)
    except OSError as error:
        raise Bad("unreadable", error.strerror or str(error)) from None


def zip_members(source: ArchiveSource, max_bytes: int) -> Iterator[tuple[str, Member]]:
    """(name, member) of every file in the archive. Errors: Bad damaged_archive, too_many_members, bomb."""
    _check_directory(source.path, source.max_members)
    try:
        archive = zipfile.ZipFile(source.path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, *DAMAGED) as error:
        raise Bad("damaged_archive", f"{type(error).__name__}: {error}") from None
    with archive:
        # Members that share their bytes (the bombs without nesting) need more room than there is.
        packed = sum(info.compress_size for info in archive.infolist())
        if packed > source.path.stat().st_size:
            raise Bad("bomb", f"members of {packed} bytes in a file of {source.path.stat().st_size}")
        for info in archive.infolist():
            if not info.is_dir():
                marker = f"{info.file_size}.{info.CRC:08x}"
                problem = _problem(info, source.max_ratio, max_bytes)
                yield info.filename, Member("", info.file_size, marker, problem=problem, chunks=partial(_chunks, archive, info))


def _check_directory(path: Path, max_members: int) -> None:
    """Refuse a central directory that would not fit memory, before it is read."""
    with path.open("rb") as handle:
        try:
            # zipfile's own reading, zip64 included: any other could judge one record while zipfile follows another.
            end = zipfile._EndRecData(handle)  # type: ignore[attr-defined]
        except (zipfile.BadZipFile, OSError, struct.error) as error:
            raise Bad("damaged_archive", f"{type(error).__name__}: {error}") from None
    if not end:
        raise Bad("damaged_archive", "no end of the central directory: the archive is cut short")
    size = end[_DIRECTORY_SIZE]
    if size > max_members * _DIRECTORY_BYTES:
        raise Bad("too_many_members", f"a central directory of {size} bytes, more than {max_members} members need")


def _problem(info: zipfile.ZipInfo, max_ratio: int, max_bytes: int) -> Problem | None:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "symlink", "a link is not followed"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "device", "neither a file nor a folder"
    if info.flag_bits & 0x1:
        return "encrypted", "the member needs a password"
    if info.file_size == 0:
        return "empty", "0 bytes"
    if info.file_size > max_bytes:
        return "too_large", f"{info.file_size} bytes, at most {max_bytes} are opened"
    if info.file_size > max(_HARMLESS_BYTES, info.compress_size * max_ratio):
        return "bomb", f"{info.file_size} bytes out of {info.compress_size}"
    return None


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content, held against its size and checksum. Errors: Bad damaged, unsupported."""
    read = 0
    try:
        with archive.open(info) as handle:
            while chunk := handle.read(_CHUNK):
                read += len(chunk)
                if read > info.file_size:
                    raise Bad("damaged", f"more than the {info.file_size} bytes that it declares")
                yield chunk
    except NotImplementedError as error:
        raise Bad("unsupported", str(error)) from None
    except (zipfile.BadZipFile, RuntimeError, ValueError, *DAMAGED) as error:
        raise Bad("damaged", f"{type(error).__name__}: {error}") from None
    if read != info.file_size:
        raise Bad("damaged", f"{read} bytes of {info.file_size}")
