"""The one table of source types."""

from collections.abc import Callable, Iterable

from rubric_factory.settings.sources import Source
from rubric_factory.sources.folder import Folder
from rubric_factory.sources.protocol import Reader
from rubric_factory.workspace import Workspace

# type -> reader of (settings of the source, workspace, bytes that a document may have).
READERS: dict[str, Callable[..., Reader]] = {"folder": Folder}


def open_source(source: Source, workspace: Workspace, *, max_bytes: int) -> Reader:
    """The reader of a configured source; nothing is opened or made yet."""
    return READERS[source.type](source, workspace, max_bytes=max_bytes)


def open_sources(sources: Iterable[Source], workspace: Workspace, *, max_bytes: int) -> dict[str, Reader]:
    """Readers by name of source, in the order of names, which is the order of their document keys."""
    return {s.name: open_source(s, workspace, max_bytes=max_bytes) for s in sorted(sources, key=lambda s: s.name)}
