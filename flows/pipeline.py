"""The one list of stages as functions: what the commands, the demo and the Prefect flow all call."""

import importlib
from collections.abc import Sequence
from typing import Any

from flows.source_words import source_of
from rubric_factory.errors import UsageError
from rubric_factory.settings import Settings
from rubric_factory.settings.local_sources import Columns
from rubric_factory.settings.sources import Source
from rubric_factory.stages import Context, StageReport

# What `publish` means to a person: nothing is published that did not pass its gates and contracts just now.
PUBLISHING = ("gate", "probe", "lock", "judge-gate", "stage", "contracts", "audit", "publish")


def run_stage(name: str, context: Context, **options: Any) -> StageReport:
    """Run one stage of STAGES by name; options: of its function. Errors: whatever FactoryError the stage raises."""
    plain = name.replace("-", "_")
    module = "data_contracts.check" if name == "contracts" else f"rubric_factory.stages.{plain}"
    function = getattr(importlib.import_module(module), plain)
    report: StageReport = function(context, **options)
    return report


def parse_sources(words: Sequence[str], settings: Settings, columns: Columns | None = None) -> tuple[Source, ...]:
    """SOURCE arguments (flows.source_words.KINDS) as settings; one that is configured keeps its configured name, licence and terms.

    columns: of tables that are not configured. Errors: UsageError for an unknown kind of source, and for two of the same name.
    """
    found = [source_of(word, settings, columns) for word in words]
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


def with_sources(settings: Settings, words: Sequence[str], columns: Columns | None = None) -> Settings:
    """Settings whose sources are the given ones, if any are given. columns: as `parse_sources`."""
    return settings.model_copy(update={"sources": parse_sources(words, settings, columns)}) if words else settings
