"""Prefect flow `evaluate`: the figures of a finished run, by question type, criterion category and genre."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import webhook
from flows.commands.common import Invocation
from flows.daily import evaluate_once
from flows.units import show_evaluation, unit


@flow(
    name="evaluate",
    persist_result=False,
    log_prints=False,
    validate_parameters=False,
    on_failure=[webhook.notify],
    on_crashed=[webhook.notify],
)
def evaluate(run: str, version: str, config: str = "pipeline.toml", workspace: str | None = None) -> dict[str, Any]:
    """Evaluation of a run's folder against its version's folder, written to <run>/evaluation.json. Errors: DatasetError."""
    name = Invocation(config=Path(config), workspace=Path(workspace) if workspace else None).settings().name
    row = unit(f"evaluate {Path(run).name}", lambda: evaluate_once(Path(run), Path(version)))
    show_evaluation(row, name)
    return {"run_id": row["run_id"], "overall": row["overall"]}
