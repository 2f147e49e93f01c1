"""`train`: GRPO on a published version, as a process of its own; or, with --dry-run, what that would take."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.commands.common import Invocation, command

if TYPE_CHECKING:
    from rubric_factory.runs import RunSpec, Variant
    from rubric_factory.settings import Settings


def _dry_run(invocation: Invocation, spec: "RunSpec") -> None:
    from flows.train_estimate import estimate_training

    context = invocation.context()
    found = estimate_training(spec, context.workspace)
    invocation.say(f"dry run of {spec.run_id}: nothing was started")
    for name, value in found.figures.items():
        invocation.say(f"  {name.replace('_', ' '):<28} {'unknown' if value is None else value}  ({found.basis[name]})")
    invocation.result({"dry_run": True, "run_id": spec.run_id, **found.figures, "basis": found.basis})


def _run(invocation: Invocation, spec: "RunSpec", settings: "Settings") -> None:
    from flows.runspec import make_ready
    from flows.trainer import finished, train
    from rubric_factory.text import printable

    context = invocation.context(settings)
    runs = context.workspace.runs
    before = finished(runs / spec.run_id)
    invocation.say(f"run {spec.run_id}: {runs / spec.run_id}")
    folder = train(make_ready(spec, settings, runs), runs, context.progress)
    row: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    invocation.say("this run was finished before; nothing was trained" if before else "finished")
    for split, arms in (("held out", row["heldout_reward"]), ("own tasks", row["rl_train_reward"])):
        for arm, found in arms.items():
            figure = "no grade" if found["mean"] is None else f"{found['mean']:.3f} [{found['ci95_low']:.3f}, {found['ci95_high']:.3f}]"
            invocation.say(f"  {split:<10} {printable(arm):<10} {figure}  n {found['n']}")
    invocation.result({**row, "run_id": spec.run_id, "run_path": str(folder), "finished_before": before})


@command("train")
@click.argument("version", metavar="VERSION")
@click.option("--dry-run", is_flag=True, help="Show steps, rollouts, judge calls, memory and prompts that do not fit; start nothing.")
@click.option(
    "--lock", type=click.Path(path_type=Path), metavar="FILE", help="Another judge lock than the version's own; the run keeps it."
)
@click.option("--seed", type=int, help="Seed of the run, over the configured one.")
@click.option(
    "--variant",
    type=click.Choice(["tuned", "permuted", "shuffled"]),
    default="tuned",
    show_default=True,
    help="tuned, or a control: rubrics permuted over tasks, rewards shuffled within each group.",
)
def train_command(invocation: Invocation, version: str, dry_run: bool, lock: Path | None, seed: int | None, variant: "Variant") -> None:
    """Train a policy on a published version.

    VERSION is a folder, NAME (its latest) or NAME@VERSION. The same version, judge, settings, seed and variant are the same run: a
    finished one is not trained again, a stopped or crashed one is resumed. Needs [judge] and [training] in the configuration.
    """
    from flows.resolve import version_folder
    from flows.runspec import run_spec

    settings = invocation.settings()
    workspace = invocation.context(settings).workspace
    spec = run_spec(settings, workspace, version_folder(invocation, version), lock=lock, seed=seed, variant=variant)
    if dry_run:
        _dry_run(invocation, spec)
    else:
        _run(invocation, spec, settings)
