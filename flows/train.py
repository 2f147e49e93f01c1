"""Prefect flow `train`: started by the event dataset.published; one run a version, then its evaluation."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import webhook
from flows.commands.common import Invocation
from flows.daily import evaluated, train_once
from flows.evaluate import evaluate
from flows.units import show_training, unit


@flow(
    name="train",
    flow_run_name="train {name} {version}",
    persist_result=False,
    log_prints=False,
    validate_parameters=False,
    on_failure=[webhook.notify],
    on_crashed=[webhook.notify],
)
def train(name: str, version: str, config: str = "pipeline.toml", workspace: str | None = None) -> dict[str, Any]:
    """Train the version NAME@VERSION once, however often this is started; a crashed run is carried on. Errors: those of the run."""
    invocation = Invocation(config=Path(config), workspace=Path(workspace) if workspace else None)
    row = unit(f"train {name} {version}", lambda: train_once(invocation, name, version))
    show_training(row, name)
    if not evaluated(Path(row["run_path"])):
        evaluate(row["run_path"], row["version"], config, workspace)
    return row
