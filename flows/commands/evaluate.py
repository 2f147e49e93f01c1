"""`evaluate`: rewards with intervals, of a training run or of any model behind an OpenAI-compatible server."""

from pathlib import Path
from typing import Any

import click

from flows.commands.common import Invocation, command

GROUPS = {
    "overall": "overall",
    "question_type": "per question type",
    "category": "per criterion category (share met)",
    "passed": "per criterion category (criteria passed)",
    "genre": "per genre",
}


def cell(found: dict[str, Any] | None) -> str:
    """mean [low, high] and how many graded answers stand behind it."""
    if found is None or found["mean"] is None:
        return "no grade"
    ungraded = f", {found['ungraded']} ungraded" if found["ungraded"] else ""
    return f"{found['mean']:.3f} [{found['ci95_low']:.3f}, {found['ci95_high']:.3f}] n {found['n']}{ungraded}"


def show(invocation: Invocation, row: dict[str, Any]) -> None:
    """What was evaluated, and its figures."""
    invocation.say(f"{row['split']} tasks of version {row['version']}: {row['run_path']}")
    show_groups(invocation, row)


def show_groups(invocation: Invocation, row: dict[str, Any]) -> None:
    """Tables for a person: one line a group and arm, 95 % intervals by bootstrap over documents and seeds."""
    from rubric_factory.text import printable

    if invocation.json:
        return
    for key, title in GROUPS.items():
        if key not in row:
            continue  # an evaluation that was stored before there was this table
        groups = {"": row[key]} if key == "overall" else row[key]
        invocation.say(title)
        width = max((len(printable(group, 40)) for group in groups), default=0)
        for group, arms in groups.items():
            for arm, found in arms.items():
                invocation.say(f"  {printable(group, 40):<{width}}  {printable(arm, 40):<10} {cell(found)}")


@command("evaluate")
@click.argument("subject", metavar="MODEL|RUN")
@click.argument("version", metavar="VERSION")
@click.option(
    "--split",
    type=click.Choice(["validation", "test"]),
    default="test",
    show_default=True,
    help="Side of the version that a MODEL is asked.",
)
@click.option("--lock", type=click.Path(path_type=Path), metavar="FILE", help="Another judge lock than the version's own (MODEL only).")
def evaluate_command(invocation: Invocation, subject: str, version: str, split: str, lock: Path | None) -> None:
    """Evaluate a served model, or show the evaluation of a training run.

    RUN is a run's folder or id: its stored evaluation is read. MODEL is a name of [evaluation.models] in the configuration, any
    OpenAI-compatible server: it is asked every task, sees the prompt and nothing else, and the locked judge grades. Intervals are 95 %,
    by bootstrap over documents and seeds. The same model, settings and version are asked once; an interrupted evaluation continues.
    """
    from flows.evaluating import of_model, of_run
    from flows.resolve import run_folder, version_folder
    from rubric_factory.errors import UsageError
    from rubric_factory.text import printable

    folder = version_folder(invocation, version)
    run = run_folder(invocation, subject)
    if run is not None:
        row = of_run(run, folder)
    else:
        settings = invocation.settings()
        if subject not in settings.evaluation.models:
            known = ", ".join(sorted(settings.evaluation.models)) or "none is configured"
            raise UsageError(
                f"{printable(subject, 100)} is neither a run nor a configured model",
                expected=f"a run's folder or id, or a name of [evaluation.models] ({known})",
                fix="add [evaluation.models.NAME] to the configuration",
            )
        row = of_model(invocation.context(settings), subject, folder, split=split, lock=lock)
    show(invocation, row)
    invocation.result(row)
