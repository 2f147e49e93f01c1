"""`judge sample`, `judge label`, `judge calibrate`: answers to label, labels from a stronger judge, the configured judge beside them."""

import getpass
from pathlib import Path
from typing import Any

import click

from flows.commands.author import EXPORT, IMPORT
from flows.commands.common import Invocation, command

DATASET = "The version, or the word staged."
FILE = click.Path(path_type=Path, dir_okay=False)
SHOWN_FROM = 10
FOLDER = click.Path(path_type=Path, file_okay=False)


@command("sample")
@click.argument("version", metavar="VERSION|staged")
@click.option("--out", type=FILE, metavar="FILE", required=True, help="File of the drawn answers, JSON lines.")
@click.option("--responses", type=click.IntRange(min=1), default=60, show_default=True, help="Answers drawn, at most.")
@click.option("--pairs", type=click.IntRange(min=1), default=340, show_default=True, help="Response-criterion pairs after which to stop.")
def sample_command(invocation: Invocation, version: str, out: Path, responses: int, pairs: int) -> None:
    """Draw the answers to be labelled, for `judge label` and `judge calibrate`.

    A seeded mix of reference answers, short ones, ones with a changed fact or meaning, ones that make a pitfall's mistake, vague ones and
    ones to other questions. Each document stands on the side tune or test, by its key alone; nothing crosses the sides.
    """
    from flows import calibrating
    from flows.judging import open_subject, outside_versions
    from flows.resolve import subject_folder

    outside_versions(out)
    context = invocation.context()
    row = calibrating.sample(context, open_subject(subject_folder(invocation, version)), out, responses=responses, pairs=pairs)
    invocation.say(f"{row['responses']} answers, {row['pairs']} response-criterion pairs: {out}")
    for split in ("tune", "test"):
        invocation.say(f"  {split}: " + ", ".join(f"{value} {name}" for name, value in row[split].items()))
    invocation.say("  " + ", ".join(f"{kind} {count}" for kind, count in row["kinds"].items()))
    invocation.result(row)


@command("label")
@click.option("--dataset", metavar="VERSION", required=True, help=DATASET)
@click.option("--responses", type=FILE, metavar="FILE", required=True, help="The file of judge sample.")
@click.option("--out", type=FILE, metavar="FILE", required=True, help="File of the labels, JSON lines.")
@click.option("--export-requests", type=FOLDER, metavar="DIR", help=EXPORT)
@click.option("--import-responses", type=FOLDER, metavar="DIR", help=IMPORT)
def label_command(
    invocation: Invocation, dataset: str, responses: Path, out: Path, export_requests: Path | None, import_responses: Path | None
) -> None:
    """Take the verdicts of the configured judge on drawn answers as labels, for another judge to be held against.

    Only what a reply says becomes a label: what could not be read, was abstained from or has not arrived is counted, and kept with its raw
    text in <out>.failures.jsonl.
    """
    from flows import calibrating
    from flows.commands.judge import show_exchange
    from flows.exchange import files_model
    from flows.judging import open_subject, outside_versions
    from flows.resolve import subject_folder

    outside_versions(out)
    context = invocation.context()
    files = files_model(context.settings.judge, export_requests, import_responses)
    row = calibrating.label(context, open_subject(subject_folder(invocation, dataset)), responses, out, files)
    exchange = show_exchange(invocation, files, "judge-label")
    failed = ", ".join(f"{count} {failure}" for failure, count in row["no_label"].items()) or "none"
    invocation.say(f"{row['labels']} labels of {row['labeller']}" + (f": {row['file']}" if "file" in row else ""))
    invocation.say(f"  pairs without one: {failed}")
    invocation.result({**row, **exchange})


def _show(invocation: Invocation, split: str, row: dict[str, Any]) -> None:
    """One side: a line of counts, a line a cluster of some size."""
    counts = ", ".join(f"{row[name]} {name.replace('_', ' ')}" for name in ("disputed", "ungraded", "without_verdict") if row[name])
    labellers = "" if row["alpha_between_labellers"] is None else f"; alpha between labellers {row['alpha_between_labellers']:.3f}"
    invocation.say(f"{split}: {row['pairs']} pairs of {row['responses']} answers{'; left out: ' if counts else ''}{counts}{labellers}")
    invocation.say(f"  {'cluster':<38} {'n':>4} {'met':>4} {'agree':>6} {'kappa':>6} {'alpha':>6} {'TPR':>6} {'FPR':>6}  J [95 %]")
    shown = {name: found for name, found in row["clusters"].items() if found["n"] >= SHOWN_FROM}
    for name, found in shown.items():
        values = [found[figure]["value"] for figure in ("agreement", "kappa", "alpha", "tpr", "fpr")]
        cells = " ".join(f"{'-' if value is None else format(value + 0.0, '.3f'):>6}" for value in values)
        j = found["youden_j"]
        interval = "-" if j["value"] is None else f"{j['value']:.3f} [{j['ci95_low']:.3f}, {j['ci95_high']:.3f}]"
        failed = "  FAILED (error)" if found["passed"] is False else ""
        invocation.say(f"  {name:<38} {found['n']:>4} {found['met']:>4} {cells}  {interval}{failed}")
    if len(shown) < len(row["clusters"]):
        invocation.say(f"  {len(row['clusters']) - len(shown)} clusters of fewer than {SHOWN_FROM} pairs are in the file alone")


@command("calibrate")
@click.option("--dataset", metavar="VERSION", required=True, help=DATASET)
@click.option("--labels", type=FILE, metavar="FILE", required=True, help="Labels, JSON lines: of judge label, or of people.")
@click.option(
    "--judge-verdicts",
    type=click.Path(path_type=Path),
    metavar="VERDICTS",
    help="Stored verdicts on these answers, instead of the configured judge: a folder of judge, or a file.",
)
@click.option("--final", is_flag=True, help="Report the side test too, and log this look at it in <labels>.looks.jsonl.")
@click.option("--who", metavar="NAME", help="Who looks, for that log.  [default: the login name]")
@click.option("--out", type=FILE, metavar="FILE", help="File of the figures.  [default: in reports/ of the workspace]")
def calibrate_command(
    invocation: Invocation, dataset: str, labels: Path, judge_verdicts: Path | None, final: bool, who: str | None, out: Path | None
) -> None:
    """Hold the configured judge against labels: agreement, Cohen's kappa, Krippendorff's alpha, TPR, FPR, Youden's J.

    Overall and by category, polarity and question type of the criterion, with 95 % intervals by bootstrap over documents. A cluster of
    [probes] cluster_labels labels whose J is not above 0 even at the upper end of its interval is shown as failed. Answers on the side
    test are graded and shown with --final only.
    """
    from flows import calibrating
    from flows.judging import open_subject, outside_versions
    from flows.resolve import subject_folder

    for path in (labels, *([out] if out else [])):
        outside_versions(path)
    context = invocation.context()
    subject = open_subject(subject_folder(invocation, dataset))
    row = calibrating.calibrate(context, subject, labels, judge_verdicts, out, final=final, who=who or getpass.getuser())
    invocation.say(f"{row['judge']} on {row['name']} {row['version']}: {row['file']}")
    if row["unknown"]:
        invocation.say(f"  {row['unknown']} labels on tasks or criteria that this version has not")
    for split in ("tune", "test"):
        if split in row:
            _show(invocation, split, row[split])
    held = row.get("held_back")
    if held:
        invocation.say(f"test: {held['labels']} labels on {held['responses']} answers are held back; --final shows them once, and logs it")
    invocation.say(f"looks at the test side so far: {row['looks']}, in {row['looks_file']}")
    invocation.result(row)
