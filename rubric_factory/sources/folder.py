"""A folder as a source: every entry in it exactly once, judged by its metadata before anything is opened."""

import csv
import fnmatch
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rubric_factory.errors import ConfigurationError, UsageError
from rubric_factory.settings.sources import FolderSource

_KINDS = ((stat.S_ISLNK, "symlink"), (stat.S_ISFIFO, "fifo"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"), (stat.S_ISBLK, "device"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One directory entry. problem: (reason, detail) if it must not be opened.

    modified_ns, changed_ns: nanoseconds since the epoch, of the content as whoever wrote it says, and of content or inode as the system
    does: an edit that restores size and modification time shows in the second alone.
    """

    document_key: str
    source: str
    source_uri: str
    path: str
    size_bytes: int
    modified_ns: int
    changed_ns: int
    licence: str
    problem: tuple[str, str] | None = None


def escape(relative: str) -> str:
    """A relative path as it stands in keys: '%', '#', unprintable characters and bytes that are not UTF-8 as %XX.

    Reversible: os.fsdecode(urllib.parse.unquote_to_bytes(escaped)). '#' separates key and anchor, so no key may hold one.
    """
    return "".join(
        character
        if character.isprintable() and character not in "%#"
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
        for character in relative
    )


def read_licences(table: Path) -> dict[str, str]:
    """Licence per file (relative posix path) from a TSV with the columns file and licence. Errors: ConfigurationError."""
    fix = "mend the table, or drop licence_table from the source"
    try:
        with table.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"cannot read the licence table {table}: {error}", expected="a UTF-8 TSV file", fix=fix) from None
    header = rows[0] if rows else []
    if not {"file", "licence"} <= set(header):
        raise ConfigurationError(f"{table} has the columns {', '.join(header) or '(none)'}", expected="file and licence", fix=fix)
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) != len(header):
            raise ConfigurationError(f"line {number} of {table} has {len(row)} fields", expected=f"{len(header)}", fix=fix)
    file, licence = header.index("file"), header.index("licence")
    return {row[file]: row[licence] for row in rows[1:] if row}


def entries(source: FolderSource, *, max_bytes: int) -> Iterator[Entry]:
    """Every non-directory entry below the folder once, in key order; links are not followed, nothing is opened.

    A folder that cannot be listed stands as one entry itself. Errors: UsageError where the source is no folder, ConfigurationError
    for its licence table.
    """
    root = source.path
    _check_folder(root)
    licences = read_licences(source.licence_table) if source.licence_table else {}
    found = list(_walk(root))
    for uri, relative, path in sorted((escape(relative), relative, path) for relative, path in found):
        size, modified, changed, problem = _judge(path, max_bytes)
        if any(fnmatch.fnmatchcase(relative, pattern) for pattern in source.exclude):
            problem = ("excluded", "matches an exclude pattern of the source")
        licence = licences.get(relative, source.licence)
        yield Entry(f"{source.name}/{uri}", source.name, uri, path, size, modified, changed, licence, problem)


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        raise UsageError(f"there is no folder {folder}", expected="a folder of documents", fix="check the path of the source")
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file", expected="a folder of documents", fix="name the folder that holds it")


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    """(relative posix path, path) of everything that is not a listable folder."""
    pending = [("", str(root))]
    while pending:
        prefix, folder = pending.pop()
        try:
            with os.scandir(folder) as listing:
                for item in listing:
                    relative = prefix + item.name
                    if item.is_dir(follow_symlinks=False):
                        pending.append((f"{relative}/", item.path))
                    else:
                        yield relative, item.path
        except OSError:
            yield prefix, folder


def _judge(path: str, max_bytes: int) -> tuple[int, int, int, tuple[str, str] | None]:
    """Size in bytes, times of modification and change in ns, and why the entry must not be opened, from lstat alone."""
    try:
        status = os.lstat(path)
    except OSError as error:
        return 0, 0, 0, ("unreadable", error.strerror or str(error))
    known = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    size = status.st_size
    for test, name in _KINDS:
        if test(status.st_mode):
            return *known, (name, f"a {name} is not opened")
    if stat.S_ISDIR(status.st_mode):
        return *known, ("unreadable", "the folder cannot be listed")
    if size == 0:
        return *known, ("empty", "0 bytes")
    if size > max_bytes:
        return *known, ("too_large", f"{size} bytes, at most {max_bytes} are opened")
    if not os.access(path, os.R_OK):
        return *known, ("unreadable", "no permission to read it")
    return *known, None
