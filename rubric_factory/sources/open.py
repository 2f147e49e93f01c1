"""The one table of source types."""

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from rubric_factory.settings.sources import Source
from rubric_factory.sources.archive import Archive
from rubric_factory.sources.folder import Folder
from rubric_factory.sources.huggingface import HuggingFace
from rubric_factory.sources.protocol import Reader
from rubric_factory.sources.table import Table
from rubric_factory.workspace import Workspace


def _on_use(module: str, name: str) -> Callable[..., Reader]:
    """A reader whose module is imported with its first source: a folder needs no HTTP client."""

    def make(*arguments: Any, **named: Any) -> Reader:
        reader: Reader = getattr(importlib.import_module(f"rubric_factory.sources.{module}"), name)(*arguments, **named)
        return reader

    return make


# type -> reader of (settings of the source, workspace, bytes that a document may have).
READERS: dict[str, Callable[..., Reader]] = {
    "folder": Folder,
    "archive": Archive,
    "table": Table,
    "huggingface": HuggingFace,
    "url_list": _on_use("url_list", "UrlList"),
    "osti": _on_use("osti", "Osti"),
    "object_store": _on_use("objects", "ObjectStore"),
}


def open_source(source: Source, workspace: Workspace, *, max_bytes: int) -> Reader:
    """The reader of a configured source; nothing is opened or made yet."""
    return READERS[source.type](source, workspace, max_bytes=max_bytes)


def open_sources(sources: Iterable[Source], workspace: Workspace, *, max_bytes: int) -> dict[str, Reader]:
    """Readers by name of source, in the order of names, which is the order of their document keys."""
    return {s.name: open_source(s, workspace, max_bytes=max_bytes) for s in sorted(sources, key=lambda s: s.name)}
