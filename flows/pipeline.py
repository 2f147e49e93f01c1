"""The one list of stages as functions: what the commands, the demo and the Prefect flow all call."""

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

from rubric_factory.errors import UsageError
from rubric_factory.settings import Settings
from rubric_factory.settings.remote_sources import ObjectStoreSource, OstiSource, UrlListSource
from rubric_factory.settings.sources import FolderSource, Source
from rubric_factory.stages import Context, StageReport

# Sources as a command line names them.
KINDS = ("folder:PATH", "urls:FILE", "osti:QUERY", "s3://BUCKET/PREFIX")
# What `publish` means to a person: nothing is published that did not pass its gates and contracts just now.
PUBLISHING = ("gate", "probe", "lock", "judge-gate", "stage", "contracts", "audit", "publish")


def run_stage(name: str, context: Context) -> StageReport:
    """Run one stage of STAGES by name. Errors: whatever FactoryError the stage raises."""
    plain = name.replace("-", "_")
    module = "data_contracts.check" if name == "contracts" else f"rubric_factory.stages.{plain}"
    function = getattr(importlib.import_module(module), plain)
    report: StageReport = function(context)
    return report


def _name_of(folder: Path) -> str:
    """A source name from the last part of a path: never the path itself."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-._")
    return name[:64] or "documents"


def _source(word: str, settings: Settings) -> Source:
    """One SOURCE argument as settings. Errors: UsageError for an unknown kind."""
    kind, _, place = word.partition(":")
    if kind == "folder" and place:
        path = Path(place).resolve()
        folders = (source for source in settings.sources if source.type == "folder" and source.path.resolve() == path)
        return next(folders, None) or FolderSource(name=_name_of(path), path=path)
    if kind == "urls" and place:
        path = Path(place).resolve()
        lists = (source for source in settings.sources if source.type == "url_list" and source.path and source.path.resolve() == path)
        return next(lists, None) or UrlListSource(name=_name_of(path), path=path)
    if kind == "osti" and place:
        searches = (source for source in settings.sources if source.type == "osti" and source.query == place)
        return next(searches, None) or OstiSource(name="osti", query=place)
    if kind == "s3" and place.startswith("//"):
        stores = (source for source in settings.sources if source.type == "object_store" and source.url == word)
        return next(stores, None) or ObjectStoreSource(name=_name_of(Path(word)), url=word)
    raise UsageError(f"unknown source {word!r}", expected=" or ".join(KINDS), fix=f"write folder:{place or word}")


def parse_sources(words: Sequence[str], settings: Settings) -> tuple[Source, ...]:
    """SOURCE arguments (KINDS) as settings; one that is configured keeps its configured name, licence and terms.

    Errors: UsageError for an unknown kind of source, and for two of the same name.
    """
    found = [_source(word, settings) for word in words]
    names = [source.name for source in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two sources are named {name!r}", expected="a name each", fix="name them under [[sources]] in the configuration"
            )
    return tuple(found)


def with_unlocked(settings: Settings, allow: bool) -> Settings:
    """Settings under which a judge that failed probes may be locked, if --allow-unlocked-judge says so."""
    return settings.model_copy(update={"lock": settings.lock.model_copy(update={"allow_unlocked": True})}) if allow else settings


def with_sources(settings: Settings, words: Sequence[str]) -> Settings:
    """Settings whose sources are the given ones, if any are given."""
    return settings.model_copy(update={"sources": parse_sources(words, settings)}) if words else settings
