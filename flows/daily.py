"""What the daily jobs do, without an orchestrator: train a version once, write down its evaluation once."""

import json
import time
from pathlib import Path
from typing import Any

from flows.claim import UnderWayError
from flows.commands.common import Invocation
from flows.evaluating import of_run
from flows.resolve import version_folder
from flows.runspec import make_ready, run_spec
from flows.trainer import finished
from flows.trainer import train as run_training
from rubric_factory.dataset_version import latest
from rubric_factory.errors import FactoryError
from rubric_factory.settings import Settings
from rubric_factory.stages import Context
from rubric_factory.workspace import Workspace, write_text

Row = dict[str, Any]
REPORT = "evaluation.json"
WAIT_SECONDS = 2.0


def train_once(invocation: Invocation, name: str, version: str) -> Row:
    """Train the configured run of a version to its end, unless that was done: {run_id, run_path, version, state}.

    state: trained (now, or a crashed run carried on) or finished before. Where another process trains it, its end is waited for, and what
    it left undone is carried on. Errors: FactoryError of the run.
    """
    context = invocation.context()
    folder = version_folder(invocation, f"{name}@{version}")
    spec = run_spec(context.settings, context.workspace, folder)
    runs = context.workspace.runs
    row = {"run_id": spec.run_id, "run_path": str(runs / spec.run_id), "version": str(folder)}
    if finished(runs / spec.run_id):
        return {**row, "state": "finished before"}
    while True:
        try:
            run_training(make_ready(spec, context.settings, runs), runs, context.progress)
            return {**row, "state": "trained"}
        except UnderWayError:
            time.sleep(WAIT_SECONDS)


def evaluated(run: Path) -> bool:
    """Whether the evaluation of a run is written down."""
    return (run / REPORT).exists()


def evaluate_once(run: Path, version: Path) -> Row:
    """Figures of a finished run by group, written to <run>/evaluation.json. Errors: DatasetError."""
    if not evaluated(run):
        write_text(run / REPORT, json.dumps(of_run(run, version), indent=2, sort_keys=True) + "\n")
    row: Row = json.loads((run / REPORT).read_text(encoding="utf-8"))
    return row


def render_audit(context: Context, version: Path) -> tuple[Path, list[str]]:
    """The audit page of a version, rendered anew under reports/: its path, and its error-severity results."""
    from rubric_factory.reports.audit_page import audit_page

    page, errors = audit_page(version)
    path = context.workspace.reports / f"audit-{version.resolve().parent.name}-{version.resolve().name}.html"
    write_text(path, page)
    return path, list(errors)


def untrained(settings: Settings, workspace: Workspace) -> str | None:
    """The latest version whose configured run has not come to its evaluation; None where there is none, or where it cannot be trained."""
    newest = latest(workspace.datasets, settings.name)
    if newest is None or settings.training is None or settings.judge is None:
        return None
    try:
        spec = run_spec(settings, workspace, Path(newest.path))
    except FactoryError:
        return None
    return None if evaluated(workspace.runs / spec.run_id) else newest.version
