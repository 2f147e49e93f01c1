"""The single-stage commands: they call the stage functions, and need no Prefect."""

import click

from flows.commands.common import ALLOW, Invocation, command, report_row


def _one(invocation: Invocation, stage: str) -> None:
    from flows.pipeline import run_stage

    with invocation.writer(stage) as context:
        row = report_row(run_stage(stage, context))
    invocation.report(row)
    invocation.result(row)


@command("ingest")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Fetch and read the first N entries of the sources only, in the order of their keys.",
)
@click.option("--text-column", metavar="NAME", help="Column that holds the text, of a table that is not configured.")
@click.option("--bytes-column", metavar="NAME", help="Column that holds the document as a file (PDF, HTML), in place of a text.")
@click.option("--key-column", metavar="NAME", default="", help="Column that holds a stable name; without one, row numbers are the names.")
def ingest_command(
    invocation: Invocation,
    sources: tuple[str, ...],
    limit: int | None,
    text_column: str | None,
    bytes_column: str | None,
    key_column: str,
) -> None:
    """Read documents from the sources and extract their text.

    SOURCE is folder:PATH, archive:FILE (zip, tar), table:PATH (JSONL, CSV, Parquet), urls:FILE (one URL a line), osti:QUERY (reports of
    osti.gov) or s3://BUCKET/PREFIX; a PATH alone where its name tells the kind. Given ones replace the configured ones. Every entry is
    accounted for: kept, unchanged, or refused with a reason. Unchanged documents are not read again.
    """
    from flows.pipeline import with_sources
    from rubric_factory.settings.local_sources import Columns
    from rubric_factory.stages.ingest import check_sources, ingest

    if text_column and bytes_column:
        raise click.UsageError("--text-column and --bytes-column exclude each other")
    columns = Columns(text=text_column or "", bytes=bytes_column or "", key=key_column) if text_column or bytes_column else None
    settings = with_sources(invocation.settings(), sources, columns)
    check_sources(invocation.context(settings))
    with invocation.writer("ingest", settings) as context:
        row = report_row(ingest(context, limit=limit))
    invocation.report(row)
    invocation.result(row)


@command("passages")
def passages_command(invocation: Invocation) -> None:
    """Cut texts into passages, find duplicates, select."""
    _one(invocation, "passages")


@command("gate")
def gate_command(invocation: Invocation) -> None:
    """Check every task against the quality gates."""
    _one(invocation, "gate")


@command("publish")
@click.option("--allow-unlocked-judge", is_flag=True, help=ALLOW)
def publish_command(invocation: Invocation, allow_unlocked_judge: bool) -> None:
    """Gate, probe and lock the judge, stage, check contracts, render the audit page, and publish a version.

    Publishes nothing, and says so, when content and card equal those of the latest version. Exit code 3 when the judge cannot be locked
    or a contract refuses.
    """
    from flows.pipeline import PUBLISHING, run_stage, with_unlocked

    with invocation.writer("publish", with_unlocked(invocation.settings(), allow_unlocked_judge)) as context:
        rows = [report_row(run_stage(stage, context)) for stage in PUBLISHING]
    invocation.report(*rows)
    invocation.result({"stages": rows})
