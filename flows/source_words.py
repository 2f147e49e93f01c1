"""SOURCE arguments of a command line as settings: KIND:PLACE, or a path whose kind shows."""

import re
from collections.abc import Callable
from pathlib import Path

from rubric_factory.errors import UsageError
from rubric_factory.settings import Settings
from rubric_factory.settings.local_sources import ArchiveSource, Columns, TableSource
from rubric_factory.settings.remote_sources import ObjectStoreSource, OstiSource, UrlListSource
from rubric_factory.settings.sources import FolderSource, Source

KINDS = ("folder:PATH", "archive:FILE", "table:PATH", "urls:FILE", "osti:QUERY", "s3://BUCKET/PREFIX")
_PACKED = r"(\.(gz|bz2|xz|zst))?"
_NAMES = (
    (re.compile(rf".*\.(zip|t[gbx]z|tbz2|tzst|tar{_PACKED})", re.IGNORECASE), "archive"),
    (re.compile(rf".*\.(jsonl|ndjson|csv|tsv|parquet){_PACKED}", re.IGNORECASE), "table"),
)


def name_of(place: Path) -> str:
    """A source name from the last part of a path: never the path itself."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", place.name).strip("-._")
    return name[:64] or "documents"


def _table(path: Path, columns: Columns | None) -> TableSource:
    if columns is None:
        raise UsageError(
            f"which column of {path.name} holds the documents?",
            expected="--text-column or --bytes-column",
            fix="add it, or configure the source",
        )
    delimiter = "\t" if ".tsv" in path.name.lower() else ","
    return TableSource(name=name_of(path), path=path, columns=columns, delimiter=delimiter)


def _kind_of(word: str) -> str:
    """Kind of a source that is named by its path alone; '' where that does not tell."""
    path = Path(word)
    if path.is_dir():
        return "folder"
    return next((kind for pattern, kind in _NAMES if path.is_file() and pattern.fullmatch(path.name)), "")


def source_of(word: str, settings: Settings, columns: Columns | None) -> Source:
    """One SOURCE argument; one that is configured keeps its configured name, licence and terms. Errors: UsageError."""
    kind, _, place = word.partition(":")
    if bare := _kind_of(word):
        kind, place = bare, word
    path = Path(place).resolve()
    made: dict[str, Callable[[], Source]] = {
        "folder": lambda: FolderSource(name=name_of(path), path=path),
        "archive": lambda: ArchiveSource(name=name_of(path), path=path),
        "table": lambda: _table(path, columns),
        "urls": lambda: UrlListSource(name=name_of(path), path=path),
        "osti": lambda: OstiSource(name="osti", query=place),
        "s3": lambda: ObjectStoreSource(name=name_of(Path(word)), url=word),
    }
    if kind not in made or not place or (kind == "s3" and not place.startswith("//")):
        raise UsageError(f"unknown source {word!r}", expected=" or ".join(KINDS), fix=f"write folder:{place or word}")
    return next((source for source in settings.sources if _meant(source, kind, word, place, path)), None) or made[kind]()


def _meant(source: Source, kind: str, word: str, place: str, path: Path) -> bool:
    """Whether a configured source is the one that a word names."""
    if isinstance(source, OstiSource):
        return kind == "osti" and source.query == place
    if isinstance(source, ObjectStoreSource):
        return kind == "s3" and source.url == word
    types = {"url_list": "urls"}
    return types.get(source.type, source.type) == kind and source.path is not None and source.path.resolve() == path
