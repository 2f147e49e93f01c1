"""Prefect flow `rebuild`: one task per shard of documents, one per later stage. Tasks return counts, never rows."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.commands.common import Invocation, report_row
from flows.pipeline import run_stage, with_sources
from rubric_factory.stages import STAGES, Context, StageReport
from rubric_factory.stages.ingest import finish, ingest_shard, plan

Row = dict[str, Any]


# Nothing is persisted or retried here: what was done lies in the workspace, what was paid in the ledger.
@task(persist_result=False, log_prints=False)
def work(function: Callable[[], Row]) -> Row:
    """One unit of work that keeps its own results and returns counts."""
    return function()


def _run(name: str, function: Callable[[], Row]) -> Row:
    counts: Row = work.with_options(task_run_name=name)(function)
    return counts


def _ingest(context: Context, limit: int | None) -> Row:
    todo = plan(context, limit=limit)
    total = sum(len(shard.entries) for shard in todo.shards)
    with context.progress.step("ingest", total, "documents") as step:
        for shard in todo.shards:
            _run(f"ingest {shard.name[:8]}", functools.partial(ingest_shard, context, shard, advance=step.advance))

        def close() -> Row:
            counts, rejections = finish(context, todo)
            return report_row(StageReport("ingest", counts, rejections))

        return _run("ingest: finish", close)


def _stage(name: str, context: Context) -> Row:
    return report_row(run_stage(name, context))


@flow(name="rebuild", persist_result=False, log_prints=False, validate_parameters=False)
def rebuild(
    config: str = "pipeline.toml",
    workspace: str | None = None,
    sources: Sequence[str] = (),
    limit: int | None = None,
    start: str = "ingest",
) -> list[Row]:
    """All stages from `start` on; one row of counts per stage. Errors: the FactoryError of the stage that failed, as it was raised."""
    invocation = Invocation(config=Path(config), workspace=Path(workspace) if workspace else None)
    with invocation.writer("rebuild", with_sources(invocation.settings(), sources)) as context:
        stages = STAGES[STAGES.index(start) :]
        return [_ingest(context, limit) if name == "ingest" else _run(name, functools.partial(_stage, name, context)) for name in stages]
