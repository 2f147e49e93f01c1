"""What is made of stored verdicts without a call: `judge --reaggregate` and `judge compare`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from flows.commands.common import Invocation, command


def _seed(invocation: Invocation) -> int:
    """That of the configuration; 0 where there is none: these commands need no pipeline.toml."""
    from flows.commands.common import DEFAULT_CONFIG

    return invocation.settings().seed if (invocation.config or DEFAULT_CONFIG).exists() else 0


def reaggregate(invocation: Invocation, path: Path, names: Sequence[str], out: Path | None) -> None:
    """Show and store the rewards of stored verdicts."""
    from flows import reaggregate as work
    from flows.commands.evaluate import cell
    from flows.judging import outside_versions
    from rubric_factory.reward import AGGREGATIONS
    from rubric_factory.text import printable

    if out is not None:
        outside_versions(out / "summary.json")
    row = work.reaggregate(path, names or list(AGGREGATIONS), invocation.place(), out, _seed(invocation))
    invocation.say(f"{row['responses']} responses, no call; 95 % intervals over {row['intervals_over']}s: {row['folder']}")
    for name, arms in row["aggregations"].items():
        for arm, found in arms.items():
            invocation.say(f"  {name:<20} {printable(arm, 40):<10} {cell(found)}")
    if row["extent_unknown"]:
        invocation.say(
            f"  {row['extent_unknown']} responses are of an older version, which did not store how many verdicts they should have"
        )
    invocation.result(row)


def _of_same_answers(first: Path, second: Path) -> None:
    """Errors: UsageError where both folders say whose answers they graded, and they are not the same."""
    import json

    from rubric_factory.errors import UsageError

    digests: list[Any] = []
    for folder in (first, second):
        try:
            digests.append(json.loads((folder / "summary.json").read_text(encoding="utf-8")).get("responses_sha256"))
        except (OSError, ValueError, AttributeError):
            digests.append(None)
    if None not in digests and digests[0] != digests[1]:
        raise UsageError(f"{first} and {second} are of different answers", expected="one file of answers under two judges")


@command("compare")
@click.argument("first", type=click.Path(path_type=Path), metavar="FIRST")
@click.argument("second", type=click.Path(path_type=Path), metavar="SECOND")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="VERDICTS",
    help="FIRST's verdicts on answers to the same tasks from before training.",
)
def compare_command(invocation: Invocation, first: Path, second: Path, baseline: Path | None) -> None:
    """Compare two judges over the same stored responses, without a call.

    FIRST and SECOND are folders of `judge`, of a training run or of an evaluation, or files of verdicts. FIRST is the judge that was
    trained against, SECOND the stronger one. Shows agreement, overclaim, the credit that SECOND rejects, each judge's share of credit
    for good things present (the rest is for bad things absent), and, with --baseline, the exploitation rate of arXiv 2605.12474.
    Intervals are 95 %, by bootstrap over tasks.
    """
    from rubric_factory.verdicts.stored import read_verdicts
    from rubric_factory.verdicts.two_judges import compare

    _of_same_answers(first, second)
    earlier = read_verdicts(baseline) if baseline is not None else []
    row = compare(read_verdicts(first), read_verdicts(second), earlier, seed=_seed(invocation))
    for name, found in row.items():
        if isinstance(found, int):
            invocation.say(f"{name:<24} {found}")
        else:
            shown = "nothing to divide by" if found is None else f"{found['value']:.3f} [{found['ci95_low']:.3f}, {found['ci95_high']:.3f}]"
            invocation.say(f"{name:<24} {shown}")
    invocation.result(row)
