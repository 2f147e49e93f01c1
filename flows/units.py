"""Units of work as Prefect tasks, and what a flow shows of them. Tasks return counts, never rows."""

import contextlib
from collections.abc import Callable
from typing import Any

from prefect import get_run_logger, runtime, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows import artifacts
from flows.commands.common import report_row
from flows.pipeline import run_stage
from flows.summary import gates
from rubric_factory.stages import Context
from rubric_factory.stages.ingest import Meter, acquire, finish, ingest_shards, plan
from rubric_factory.workspace import Workspace

Row = dict[str, Any]


# Nothing is persisted or retried here: what was done lies in the workspace, what was paid in the ledger.
@task(persist_result=False, log_prints=False)
def work(function: Callable[[], Row]) -> Row:
    """One unit of work that keeps its own results and returns counts."""
    return function()


def unit(name: str, function: Callable[[], Row]) -> Row:
    """Run a function as a task of this name."""
    counts: Row = work.with_options(task_run_name=name)(function)
    return counts


def ingest_units(context: Context, limit: int | None) -> Row:
    """Ingest, a task a shard of documents."""
    meter = Meter()

    def bring() -> Row:
        acquire(context, limit=limit)
        return {}

    unit("ingest: acquire", bring)
    todo = plan(context, limit=limit)
    with context.progress.step("ingest", todo.to_read, "documents") as step:
        with contextlib.closing(ingest_shards(context, todo.shards, step.advance)) as shards:
            for number in range(len(todo.shards)):
                unit(f"ingest {number + 1}/{len(todo.shards)}", lambda: next(shards)[1])
        folded = {shard.name for shard in todo.shards}

        def close() -> Row:
            return report_row(meter.report(*finish(context, todo, folded=folded)))

        return unit("ingest: finish", close)


def stage_unit(name: str, context: Context, limit: int | None) -> Row:
    """One stage by name, logged when it has ended."""
    row = ingest_units(context, limit) if name == "ingest" else unit(name, lambda: report_row(run_stage(name, context)))
    get_run_logger().info("%s: %s", name, artifacts.line(row))
    return row


def served() -> bool:
    """Whether this flow run belongs to a deployment: a person who runs a flow by command looks at the terminal instead."""
    return runtime.deployment.id is not None


def show_rebuild(rows: list[Row], workspace: Workspace, name: str) -> None:
    """Funnel, gates and what was published, on the page of the flow run."""
    create_table_artifact(artifacts.funnel(rows), key=f"{name}-funnel", description="What each stage counted and refused, and why")
    create_table_artifact(artifacts.gates(gates(workspace)), key=f"{name}-gates", description="Tasks checked and refused by each gate")
    create_markdown_artifact(artifacts.publication(rows, name), key=f"{name}-version", description="What was published")


def show_training(row: Row, name: str) -> None:
    """Where the run lies and how it stands."""
    create_markdown_artifact(artifacts.training_note(row), key=f"{name}-run", description="The training run")


def show_evaluation(row: Row, name: str) -> None:
    """Rewards of every arm: overall, and by group."""
    tables = {"overall": {"all": row["overall"]}, **{key: row[key] for key in ("question_type", "category", "genre")}}
    for key, groups in tables.items():
        words = f"Reward on {row['split']} tasks, {key.replace('_', ' ')}: mean and 95 % interval"
        create_table_artifact(artifacts.intervals(groups), key=f"{name}-reward-{key.replace('_', '-')}", description=words)
