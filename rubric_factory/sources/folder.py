"""A folder as a source: every entry in it exactly once, judged by its metadata before anything is opened."""

import csv
import fnmatch
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from rubric_factory.errors import ConfigurationError, UsageError
from rubric_factory.settings.sources import FolderSource
from rubric_factory.sources.protocol import Entry, Problem, Reader, escape
from rubric_factory.workspace import Workspace

_KINDS = ((stat.S_ISLNK, "symlink"), (stat.S_ISFIFO, "fifo"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"), (stat.S_ISBLK, "device"))


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


class Folder(Reader):
    """Every non-directory entry below a folder once, in key order; links are not followed, nothing is opened.

    A folder that cannot be listed stands as one entry itself. marker: size, and times of modification and of change: an edit that
    restores size and modification time shows in the last alone.
    """

    def __init__(self, source: FolderSource, workspace: Workspace, *, max_bytes: int) -> None:
        del workspace
        super().__init__(source.name, str(source.path))
        self._source, self._max_bytes = source, max_bytes

    def check(self) -> None:
        """Errors: UsageError where the source is no folder, ConfigurationError for its licence table."""
        self._licences()

    def _licences(self) -> dict[str, str]:
        _check_folder(self._source.path)
        return read_licences(self._source.licence_table) if self._source.licence_table else {}

    def entries(self) -> Iterator[Entry]:
        """Errors: as `check`."""
        source, licences = self._source, self._licences()
        for uri, relative, path in sorted((escape(relative), relative, path) for relative, path in _walk(source.path)):
            size, marker, problem = _judge(path, self._max_bytes)
            if any(fnmatch.fnmatchcase(relative, pattern) for pattern in source.exclude):
                problem = ("excluded", "matches an exclude pattern of the source")
            licence = licences.get(relative, source.licence)
            yield Entry(f"{source.name}/{uri}", source.name, uri, licence, size, marker, path, problem=problem)


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


def _judge(path: str, max_bytes: int) -> tuple[int, str, Problem | None]:
    """Size in bytes, marker, and why the entry must not be opened, from lstat alone."""
    try:
        status = os.lstat(path)
    except OSError as error:
        return 0, "", ("unreadable", error.strerror or str(error))
    size = status.st_size
    known = size, f"{size}.{status.st_mtime_ns}.{status.st_ctime_ns}"
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
