"""A zip or tar archive as a source: streamed, never extracted by name; a member's name becomes nothing but its escaped key."""

import fnmatch
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath

from rubric_factory.errors import UsageError
from rubric_factory.settings.local_sources import ArchiveSource
from rubric_factory.sources.protocol import Problem, escape
from rubric_factory.sources.streamed import Member, Streamed
from rubric_factory.sources.streams import Bad
from rubric_factory.sources.tar_members import tar_members
from rubric_factory.sources.zip_members import is_zip, zip_members
from rubric_factory.workspace import Workspace

# Key of what befell the archive as a whole: `escape` makes no such name, so no member can have it.
WHOLE = "%archive"


class Archive(Streamed):
    """Every member of an archive once, folders left out, in the archive's order.

    What cannot be read of the archive as a whole (damaged or cut short, past a cap) is one more entry: what came before it stands.
    """

    def __init__(self, source: ArchiveSource, workspace: Workspace, *, max_bytes: int) -> None:
        del workspace
        super().__init__(source.name, source.path, source.licence)
        self._source, self._max_bytes = source, max_bytes

    def check(self) -> None:
        """Errors: UsageError where there is no such file."""
        try:
            regular = stat.S_ISREG(self._source.path.stat().st_mode)
        except OSError as error:
            raise UsageError(f"cannot open {self.place}: {error.strerror}", expected="a zip or tar archive", fix="check the path") from None
        if not regular:
            raise UsageError(f"{self.place} is no regular file", expected="a zip or tar archive", fix="name the archive itself")

    def members(self) -> Iterator[Member]:
        """Errors: as `check`."""
        self.check()
        source, seen, total = self._source, dict[str, int](), 0
        try:
            found = zip_members(source, self._max_bytes) if is_zip(source.path) else tar_members(source, self._max_bytes)
            for number, (name, member) in enumerate(found, start=1):
                if number > source.max_members:
                    raise Bad("too_many_members", f"more than {source.max_members}")
                total += member.size_bytes if member.problem is None else 0
                if total > source.max_total_bytes:
                    raise Bad("archive_too_large", f"more than {source.max_total_bytes} bytes of documents")
                yield self._checked(name, member, seen)
        except Bad as bad:
            yield Member(WHOLE, marker=f"{bad.reason} {bad.detail}", problem=(bad.reason, bad.detail))

    def _checked(self, name: str, member: Member, seen: dict[str, int]) -> Member:
        """The member under its key, with what its name says against it. Archives are walked once: seen counts names."""
        uri = escape(name)
        seen[uri] = times = seen.get(uri, 0) + 1
        problem = member.problem or _named_badly(name)
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self._source.exclude):
            problem = ("excluded", "matches an exclude pattern of the source")
        if times > 1:
            problem = ("duplicate_name", f"the name stands in the archive before; this is number {times}")
        key = uri if times == 1 else f"{uri}%again{times}"  # `escape` makes no such name either
        return Member(key, member.size_bytes, member.marker, source_uri=uri, problem=problem, chunks=member.chunks)


def _named_badly(name: str) -> Problem | None:
    """Names that would lead out of a folder: nothing is ever written under them, but who packs such a thing is not to be trusted."""
    plain = name.replace("\\", "/")
    if plain.startswith("/") or plain[1:2] == ":" or ".." in PurePosixPath(plain).parts or "\0" in plain:
        return "unsafe_name", "an absolute name, or one that leads out of the archive"
    return None
