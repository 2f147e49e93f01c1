"""`judge`: grade a file of answers; `judge probe|lock|verify`: what the configured judge withstands, and whether it is still the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.commands.author import EXPORT, IMPORT
from flows.commands.calibrate import calibrate_command, label_command, sample_command
from flows.commands.common import Invocation, command, common_options
from flows.commands.judge_serve import serve_command
from flows.commands.verdicts import compare_command, reaggregate
from rubric_factory.reward import AGGREGATIONS

if TYPE_CHECKING:
    from rubric_factory.judging.probes.protocol import ProbeResult
    from rubric_factory.llm.batch_files import BatchFilesModel


def _folder(invocation: Invocation, word: str) -> Path:
    from flows.resolve import subject_folder

    return subject_folder(invocation, word)


def _show_probes(invocation: Invocation, found: "Sequence[ProbeResult]") -> None:
    """One line a probe, failed ones first."""
    for result in sorted(found, key=lambda r: (r.passed is not False, r.severity != "error")):
        state = {True: "passed", False: f"FAILED ({result.severity})", None: "not applicable"}[result.passed]
        value = "" if result.value is None else f"{result.value:.3f}"
        interval = "" if result.ci95_low is None else f"[{result.ci95_low:.3f}, {result.ci95_high:.3f}]"
        bound = f"{'>=' if result.floor else '<='} {result.accept:g}"
        invocation.say(f"  {result.name:<20} {value:>7} {interval:<18} {bound:<8} n {result.n:<6} {state}  {result.note}".rstrip())


def _probe_rows(found: "Sequence[ProbeResult]") -> dict[str, Any]:
    from rubric_factory.judging.store import short

    return {"probes": short(found)}


def show_exchange(invocation: Invocation, files: "BatchFilesModel | None", name: str) -> dict[str, Any]:
    """{"exchange": figures} of requests and answers in files, shown; {} where there are none."""
    from flows.exchange import exchanged, shown

    if files is None:
        return {}
    row = exchanged([files], invocation.place(), name)
    for line in shown(row):
        invocation.say(line)
    return {"exchange": row}


@command("probe")
@click.argument("version", metavar="VERSION|staged")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Another file for the results, besides the one in locks/.")
@click.option("--export-requests", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=EXPORT)
@click.option("--import-responses", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=IMPORT)
def probe_command(
    invocation: Invocation, version: str, out: Path | None, export_requests: Path | None, import_responses: Path | None
) -> None:
    """Probe the configured judge with answers of known worth, on the tasks of a version.

    VERSION as in `verify`, or the word staged. Measured once for a judge, its settings and these tasks, then read. Shows every probe with
    its 95 % interval by document; a failed one is shown, and refuses a lock, not this.
    """
    from flows.exchange import files_model
    from flows.judging import open_subject, outside_versions, probe_subject
    from rubric_factory.judging.store import write_probes

    if out is not None:
        outside_versions(out)
    context = invocation.context()
    files = files_model(context.settings.judge, export_requests, import_responses)
    found, path = probe_subject(context, open_subject(_folder(invocation, version)), files)
    exchange = show_exchange(invocation, files, "judge-probe")
    if not found:
        invocation.result(exchange)
        return
    if out is not None:
        write_probes(found, out)
    _show_probes(invocation, found)
    invocation.say(f"probe results: {out or path}")
    invocation.result({**_probe_rows(found), "file": str(out or path), **exchange})


@command("lock")
@click.argument("version", metavar="VERSION|staged")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="File of the lock.  [default: locks/ of the workspace]")
@click.option("--allow-unlocked-judge", is_flag=True, help="Lock it although an error-severity probe failed; the lock records it.")
def lock_command(invocation: Invocation, version: str, out: Path | None, allow_unlocked_judge: bool) -> None:
    """Lock the configured judge on the tasks of a version, for `train --lock` and `evaluate --lock`.

    Probes it first, unless that was done. Exit code 3 when an error-severity probe failed. A version's own lock is made while the version
    is; this one goes to locks/ of the workspace, never into a version folder.
    """
    from flows.judging import lock_subject, open_subject, outside_versions
    from flows.pipeline import with_unlocked
    from rubric_factory.judging.lock import summary

    if out is not None:
        outside_versions(out)
    context = invocation.context(with_unlocked(invocation.settings(), allow_unlocked_judge))
    made, path = lock_subject(context, open_subject(_folder(invocation, version)), out)
    invocation.say(f"locked {made.identity} on {len(made.pairs)} graded answers; {made.flip_rate:.1%} of verdicts flip between repeats")
    for failed in made.allowed:
        invocation.say(f"  let through by hand: {failed}")
    invocation.say(f"lock: {path}")
    invocation.result({"file": str(path), **summary(made)})


@command("verify")
@click.argument("version", metavar="VERSION|LOCK")
def verify_command(invocation: Invocation, version: str) -> None:
    """Grade a lock's answers again: whether the configured judge is still the locked one.

    LOCK is a file, VERSION carries its own. Exit code 3 when identity, served name, verdicts or mean reward are not those of the lock.
    """
    from flows.judging import lock_file, verify_subject

    lock, report = verify_subject(invocation.context(), lock_file(version, lambda word: _folder(invocation, word)))
    invocation.say(f"{lock.identity} is the locked judge: {report.detail}")
    invocation.result({"identity": lock.identity, "flips": report.flips, "drift": report.drift, "passed": report.passed})


@click.group("judge", invoke_without_command=True)
@click.option("--dataset", metavar="VERSION", help="The version whose tasks were answered.")
@click.option(
    "--responses",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help='JSON lines {"task_id": ..., "response": ...}, several a task where each has its "response_id"; Parquet; a run\'s rollouts/.',
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the results.  [default: in reports/ of the workspace]"
)
@click.option("--export-requests", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=EXPORT)
@click.option("--import-responses", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=IMPORT)
@click.option(
    "--reaggregate",
    "verdicts",
    type=click.Path(path_type=Path),
    metavar="VERDICTS",
    help="Rewards of stored verdicts instead, without a call: a folder of judge, of a run or of an evaluation, or a file.",
)
@click.option(
    "--aggregation",
    "aggregations",
    type=click.Choice(list(AGGREGATIONS)),
    multiple=True,
    help="With --reaggregate: this one only; repeatable.",
)
@click.pass_context
def judge_command(
    ctx: click.Context,
    dataset: str | None,
    responses: Path | None,
    out: Path | None,
    export_requests: Path | None,
    import_responses: Path | None,
    verdicts: Path | None,
    aggregations: tuple[str, ...],
) -> None:
    """Grade a file of answers; probe, lock, verify, serve and calibrate the judge; compare two.

    Writes verdicts.jsonl (a row a criterion), tasks.jsonl (a row an answer), both as Parquet too, criteria.jsonl (a row a criterion: its
    pass rate over the answers) and summary.json: mean rewards with 95 % intervals by bootstrap over documents, overall and by group. Of
    answers to a task without a response_id the first counts; unknown, repeated and missing task_ids are reported.
    """
    grading = (dataset, responses, export_requests, import_responses)
    if ctx.invoked_subcommand is not None:
        if any((*grading, out, verdicts, aggregations)):
            raise click.UsageError(f"options before the word {ctx.invoked_subcommand} say nothing to judge {ctx.invoked_subcommand}")
        return
    if (verdicts is None) == (dataset is None or responses is None) or (verdicts is not None and any(grading)):
        words = ", ".join(sorted(judge_command.commands))
        raise click.UsageError(f"judge wants --dataset VERSION and --responses FILE, or --reaggregate VERDICTS, or one of {words}")
    if aggregations and verdicts is None:
        raise click.UsageError("--aggregation belongs to --reaggregate: grade first, every aggregation can be recomputed")
    if verdicts is not None:
        reaggregate(ctx.ensure_object(Invocation), verdicts, aggregations, out)
        return
    _grade(ctx.ensure_object(Invocation), str(dataset), Path(str(responses)), out, (export_requests, import_responses))


def _grade(invocation: Invocation, dataset: str, responses: Path, out: Path | None, folders: tuple[Path | None, Path | None]) -> None:
    from flows.answers import judge_answers, read_answers
    from flows.commands.evaluate import show_groups
    from flows.exchange import files_model
    from flows.judging import open_subject, outside_versions

    if out is not None:
        outside_versions(out / "summary.json")
    context, folder = invocation.context(), _folder(invocation, dataset)
    subject = open_subject(folder)
    files = files_model(context.settings.judge, *folders)
    row = judge_answers(context, subject, folder, read_answers(responses, subject.splits), out, files)
    exchange = show_exchange(invocation, files, "judge")
    if not row:
        invocation.result(exchange)
        return
    invocation.say(f"{row['answers']} answers to {row['name']} {row['version']}, graded by {row['judge']}: {row['folder']}")
    if row["locked_judge"] not in ("", row["judge"]):
        invocation.say(f"  the version's locked judge is another one: {row['locked_judge']}")
    for name in ("unknown", "duplicate", "missing"):
        if row[name]:
            invocation.say(f"  {row[name]} {name} task_ids, such as {', '.join(row[f'{name}_task_ids'])[:200]}")
    show_groups(invocation, row)
    invocation.result({**row, **exchange})


judge_command.params += common_options()
for _subcommand in (
    calibrate_command,
    compare_command,
    label_command,
    lock_command,
    probe_command,
    sample_command,
    serve_command,
    verify_command,
):
    judge_command.add_command(_subcommand)
