"""The demo's tasks without the demo: sample documents, extractive author, deterministic gates, in a folder that is kept."""

from importlib.resources import files
from pathlib import Path

from flows.pipeline import run_stage
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.progress import Progress
from rubric_factory.settings import load_settings
from rubric_factory.stages import Context
from rubric_factory.stages.judged import sampled
from rubric_factory.warehouse import opened
from rubric_factory.workspace import Workspace

STAGES = ("ingest", "passages", "author", "gate")
TASKS = 100


def demo_tasks(folder: Path) -> list[ProbeTask]:
    """At most TASKS tasks that passed the deterministic gates, drawn as `judge probe` draws them; made where the folder has none."""
    settings = load_settings(Path(str(files("configs").joinpath("demo.toml"))), {"workspace": folder})
    context = Context(settings, Workspace(folder), Progress(quiet=True))
    if not context.workspace.warehouse.exists():
        for stage in STAGES:
            run_stage(stage, context)
    with opened(context.workspace) as house:
        return sampled(house, context, "gated", TASKS)
