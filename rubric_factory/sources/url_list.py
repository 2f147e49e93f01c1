"""A list of URLs as a source: every line ends as bytes under originals/, or as an entry with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass

from rubric_factory.errors import UsageError
from rubric_factory.progress import Progress
from rubric_factory.settings.remote_sources import UrlListSource
from rubric_factory.sources.acquire import Acquisition, Terms, Wanted
from rubric_factory.sources.fetch_index import FetchIndex, State
from rubric_factory.sources.protocol import Entry, Problem, Reader, escape
from rubric_factory.sources.remote_entry import remote_entry
from rubric_factory.sources.urls import BadUrl, parse
from rubric_factory.workspace import Workspace

_SHOWN = 500  # characters of a line that is no URL, in its key


@dataclass(frozen=True, slots=True)
class Line:
    """One distinct line of the list: a URL in normal form, or why it is none."""

    uri: str
    url: str
    problem: Problem | None = None


class UrlList(Reader):
    """The URLs of a file and of the configuration, each once, in key order."""

    def __init__(self, source: UrlListSource, workspace: Workspace, *, max_bytes: int) -> None:
        super().__init__(source.name, str(source.path or "(urls of the configuration)"))
        self._source, self._originals = source, workspace.originals
        self._terms = Terms(source.network, max_bytes, source.refresh_days)

    def check(self) -> None:
        """Errors: UsageError for a list that cannot be read."""
        self._lines()

    def acquire(self, progress: Progress, limit: int | None = None) -> None:
        """Ask for every URL that is due. Errors: as `check`; SourceError without any answer, WorkspaceError."""
        wanted = [Wanted(line.uri, line.url) for line in self._lines()[:limit] if line.problem is None]
        with FetchIndex(self._originals, make=True) as index:
            Acquisition(self.name, index, self._originals, self._terms).run(wanted, progress, partial=limit is not None)

    def entries(self) -> Iterator[Entry]:
        """Errors: as `check`."""
        lines = self._lines()
        if not FetchIndex.exists(self._originals):
            yield from (self._entry(line, None) for line in lines)
            return
        with FetchIndex(self._originals, make=False) as index:
            for line in lines:
                yield self._entry(line, index.state(self.name, line.uri) if line.problem is None else None)

    def _entry(self, line: Line, state: State | None) -> Entry:
        return remote_entry(self._source, self._originals, line.uri, line.url, state, line.problem)

    def _lines(self) -> list[Line]:
        """Distinct lines in key order."""
        texts = [*self._source.urls, *self._read()]
        lines = {line.uri: line for line in (_line(text.strip()) for text in texts) if line is not None}
        return [lines[uri] for uri in sorted(lines)]

    def _read(self) -> list[str]:
        if self._source.path is None:
            return []
        try:
            return self._source.path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"cannot read the list of URLs {self._source.path}: {error}",
                expected="a UTF-8 text file, one URL a line",
                fix="check the path of the source",
            ) from None


def _line(text: str) -> Line | None:
    """A stripped line; None for a blank one and a comment."""
    if not text or text.startswith("#"):
        return None
    try:
        url = str(parse(text))
    except BadUrl as error:
        return Line(escape(text[:_SHOWN]), "", ("bad_url", str(error)))
    return Line(escape(url), url)
