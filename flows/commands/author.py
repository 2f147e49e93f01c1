"""`author`: ask the configured author, or write its requests to files and read their answers."""

from pathlib import Path

import click

from flows.commands.common import Invocation, command, report_row

EXPORT = "Write the requests that have no answer as OpenAI-batch JSONL to DIR; send none."
IMPORT = "Read answers of exported requests from the *.jsonl files in DIR; send none."


@command("author")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask about the first N passages only: a sample for `forecast`.")
@click.option("--export-requests", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=EXPORT)
@click.option("--import-responses", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=IMPORT)
def author_command(invocation: Invocation, limit: int | None, export_requests: Path | None, import_responses: Path | None) -> None:
    """Write questions, reference answers and rubrics.

    Asks the configured author for the passages that it has not been asked about. A paid answer is never asked for twice. With files
    instead of a server: export, answer (`vllm run-batch`, a batch service), import; in any order, in part, twice.
    """
    from flows.exchange import author_files, exchanged, shown
    from flows.pipeline import run_stage

    files = author_files(invocation.settings().author, export_requests, import_responses)
    with invocation.writer("author") as context:
        row = report_row(run_stage("author", context, limit=limit, backends=files))
        if files:
            row["exchange"] = exchanged(files, context.workspace, "author")
    invocation.report(row)
    for line in shown(row["exchange"]) if files else ():
        invocation.say(line)
    invocation.result(row)
