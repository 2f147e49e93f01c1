"""What every source hands over: entries (a listing, nothing of the content parsed), and a file for each entry that is to be read."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rubric_factory.progress import Progress

# (reason, detail) of an entry that must not be, or cannot be, opened.
Problem = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a source itself knows of a document; '' where it knows nothing. Where it knows, it wins over what a parser finds."""

    title: str = ""
    authors: str = ""
    date: str = ""
    doi: str = ""
    report_number: str = ""
    subjects: str = ""


UNKNOWN = Metadata()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a source holds. problem: (reason, detail) if it must not be opened.

    document_key: source + '/' + source_uri. marker: changes whenever the content may have changed, and is compared with that of the
    last ingest. path: a regular file that a parser process opens; None: the source makes one when it is wanted (`materialise`).
    media_type: '' is told from the content; 'text/plain' or 'text/html' where the source says so, the content then is UTF-8.
    """

    document_key: str
    source: str
    source_uri: str
    licence: str
    size_bytes: int
    marker: str
    path: str | None = None
    metadata: Metadata = UNKNOWN
    media_type: str = ""
    problem: Problem | None = None


class Reader(ABC):
    """One configured source, opened by `sources.open.open_source`. Subclasses list; what they need not say stands here."""

    remote = False  # whether `entries` lists nothing before `acquire` has been

    def __init__(self, name: str, place: str) -> None:
        self.name = name
        self.place = place  # for messages: a path, an address, a query

    def check(self) -> None:  # noqa: B027 - nothing to look at is the default
        """Look whether the source is there at all, making nothing. Errors: UsageError, ConfigurationError, SourceError."""

    def acquire(self, progress: Progress, limit: int | None = None) -> None:  # noqa: B027 - nothing lies elsewhere by default
        """Bring what lies elsewhere into the workspace, before anything is planned: the only step that may touch a network.

        limit: only what the first so many entries need.
        """

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """Everything in the source once, each under a key of its own, in an order that stays the same while the source does.

        Reads no network, makes no file. Errors: as `check`.
        """

    def materialise(self, entries: Iterable[Entry], folder: Path) -> Iterator[tuple[Entry, str | Problem]]:
        """For each of the entries, in the order given (that of `entries()`): a file to open, or why there is none.

        Lazy on both sides: one entry is asked for, one answered. Files are made in folder under names of our own; whoever asked removes
        them. An entry whose content is not what its marker says is answered with ("changed", ...).
        """
        del folder
        for entry in entries:
            if entry.path is None:
                raise AssertionError(f"{self.name} lists entries without a file and makes none")
            yield entry, entry.path


def escape(relative: str) -> str:
    """A relative path as it stands in keys: '%', '#', unprintable characters and bytes that are not UTF-8 as %XX.

    Reversible: os.fsdecode(urllib.parse.unquote_to_bytes(escaped)). '#' separates key and anchor, so no key may hold one.
    """
    if relative.isprintable() and "%" not in relative and "#" not in relative:
        return relative
    return "".join(
        character
        if character.isprintable() and character not in "%#"
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
        for character in relative
    )
