"""Prefect flow `rebuild`: one task per shard of documents, one per later stage; as a deployment it shows and announces what it made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow

from flows import events, webhook
from flows.commands.common import Invocation
from flows.pipeline import with_sources, with_unlocked
from flows.units import served, show_rebuild, stage_unit
from rubric_factory.stages import STAGES

Row = dict[str, Any]


@flow(
    name="rebuild",
    persist_result=False,
    log_prints=False,
    validate_parameters=False,
    on_failure=[webhook.notify],
    on_crashed=[webhook.notify],
)
def rebuild(
    config: str = "pipeline.toml",
    workspace: str | None = None,
    sources: Sequence[str] = (),
    limit: int | None = None,
    start: str = "ingest",
    allow_unlocked_judge: bool = False,
) -> list[Row]:
    """All stages from `start` on; one row of counts per stage. Errors: the FactoryError of the stage that failed, as it was raised.

    A version that is new is told to the server as the event dataset.published; nothing new, no event.
    """
    invocation = Invocation(config=Path(config), workspace=Path(workspace) if workspace else None)
    rows: list[Row] = []
    settings = with_unlocked(with_sources(invocation.settings(), sources), allow_unlocked_judge)
    with invocation.writer("rebuild", settings) as context:
        name = context.settings.name
        try:
            rows.extend(stage_unit(stage, context, limit) for stage in STAGES[STAGES.index(start) :])  # each as it ends
        finally:
            if served() and rows:
                show_rebuild(rows, context.workspace, name)
    version = events.pending(context.workspace, name)
    if served() and version is not None:
        events.announce(context.workspace, name, version)
    return rows
