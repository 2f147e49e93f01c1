"""Sources whose documents lie inside files of the user's, archives and tables: walked in one pass, never unpacked by name."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rubric_factory.sources.protocol import UNKNOWN, Entry, Metadata, Problem, Reader
from rubric_factory.sources.streams import Bad


@dataclass(frozen=True, slots=True)
class Member:
    """One document inside. uri: escaped, unique in the source. marker: '' is the hash of the content.

    chunks: the content, to be read at most once and before the next member is asked for; may raise Bad.
    """

    uri: str
    size_bytes: int = 0
    marker: str = ""
    licence: str = ""
    source_uri: str = ""
    metadata: Metadata = UNKNOWN
    media_type: str = ""
    problem: Problem | None = None
    chunks: Callable[[], Iterator[bytes]] = lambda: iter(())


class Streamed(Reader):
    """A source that yields members one after the other, in the same order every time."""

    def __init__(self, name: str, path: Path, licence: str) -> None:
        super().__init__(name, str(path))
        self._licence = licence

    @abstractmethod
    def members(self) -> Iterator[Member]:
        """One pass over the source. What cannot be read is a member with its problem."""

    def entries(self) -> Iterator[Entry]:
        """Content is read where nothing cheaper tells whether it has changed."""
        for member in self.members():
            marker, problem = member.marker, member.problem
            if not marker and problem is None:
                try:
                    marker = _digest(member.chunks())
                except Bad as bad:
                    problem = bad.reason, bad.detail
            yield self._entry(member, marker, problem)

    def _entry(self, member: Member, marker: str, problem: Problem | None) -> Entry:
        return Entry(
            document_key=f"{self.name}/{member.uri}",
            source=self.name,
            source_uri=member.source_uri or member.uri,
            licence=member.licence or self._licence,
            size_bytes=member.size_bytes,
            marker=marker,
            metadata=member.metadata,
            media_type=member.media_type,
            problem=problem,
        )

    def materialise(self, entries: Iterable[Entry], folder: Path) -> Iterator[tuple[Entry, str | Problem]]:
        """One pass, however many entries are asked for; each file is written when its entry is asked for."""
        folder.mkdir(parents=True, exist_ok=True)
        members = self.members()
        for number, entry in enumerate(entries):
            uri = entry.document_key.removeprefix(f"{self.name}/")
            member = next((m for m in members if m.uri == uri), None)
            path = folder / f"{self.name}.{number}"
            yield entry, _written(member, entry, path) or str(path)


def _written(member: Member | None, entry: Entry, path: Path) -> Problem | None:
    """Write the content of a member; why it is not there to be read, if so."""
    if member is None or member.problem is not None:
        return "changed", "gone since it was listed"
    try:
        with path.open("wb") as handle:
            marker = _digest(member.chunks(), handle.write)
    except Bad as bad:
        path.unlink(missing_ok=True)
        return bad.reason, bad.detail
    if (member.marker or marker) != entry.marker:
        path.unlink(missing_ok=True)
        return "changed", "another content than when it was listed"
    return None


def _digest(chunks: Iterator[bytes], sink: Callable[[bytes], object] = lambda chunk: None) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        sink(chunk)
    return digest.hexdigest()
