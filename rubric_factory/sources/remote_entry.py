"""A remote item as an entry: the file of its bytes, or why there is none."""

from pathlib import Path

from rubric_factory.settings.source_base import NamedSource
from rubric_factory.sources.fetch_index import State
from rubric_factory.sources.originals import original_path
from rubric_factory.sources.protocol import UNKNOWN, Entry, Metadata, Problem

NOT_FETCHED: Problem = ("not_fetched", "not fetched yet: the next ingest asks for it")


def remote_entry(
    source: NamedSource,
    originals: Path,
    uri: str,
    url: str,
    state: State | None,
    problem: Problem | None,
    metadata: Metadata = UNKNOWN,
) -> Entry:
    """The entry of an item whose bytes are wanted from url. state: what was had of it; problem: why nothing was asked for."""
    path, size, marker = None, 0, ""
    if problem is None:
        fetched = state.fetched if state is not None and state.fetched.url == url else None
        file = original_path(originals, fetched.sha256) if fetched is not None and fetched.sha256 else None
        if fetched is not None and file is not None and file.exists():
            path, size, marker = str(file), fetched.size_bytes, fetched.sha256
        else:
            problem = (fetched.problem if fetched is not None else None) or NOT_FETCHED
    return Entry(f"{source.name}/{uri}", source.name, uri, source.licence, size, marker, path, metadata, problem=problem)
