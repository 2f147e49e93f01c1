"""`recordings verify`: whether kept answers of a language model still answer exactly the requests that are made today."""

from pathlib import Path

import click

from flows.commands.common import Invocation, command, common_options, report_row
from flows.commands.demo import recorded_config


@command("verify")
@click.option("--completions", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Folder of the recorded answers.")
def verify_command(invocation: Invocation, completions: Path | None) -> None:
    """Make the requests again, from the documents on, and match every one with its recorded answer.

    Works in an empty workspace of its own unless --workspace names one, with configs/demo-recorded.toml unless --config names another.
    Exit code 3 unless every request has an answer, every answer a request, and every file the sha256 that provenance.json gives.
    """
    from flows.recordings import read_provenance, verify_recordings
    from rubric_factory.errors import BlockedError

    settings = invocation.settings(recorded_config())
    folder = completions or Path(getattr(settings.author, "responses_dir", "tests/data/completions"))
    provenance = read_provenance(folder)
    reports, exchange = verify_recordings(invocation, settings, folder)
    invocation.report(*(report_row(report) for report in reports))
    row = {**exchange, "files": len(provenance["files"]), "model": provenance["model"]}
    if any(exchange[count] for count in ("missing", "not_needed", "errors", "garbage")):
        raise BlockedError(
            f"{exchange['taken']} requests have an answer, {exchange['missing']} none; {exchange['not_needed']} answers fit no request",
            expected="one answer to every request and no other",
            fix="undo what changed documents, passages, prompts or gates; or record anew and say so in provenance.json",
        )
    invocation.say(f"{exchange['taken']} requests made again, {exchange['taken']} recorded answers: every key matches")
    invocation.result(row)


@click.group("recordings")
def recordings_command() -> None:
    """Check recorded answers of a language model against the requests of today."""


recordings_command.params += common_options()
recordings_command.add_command(verify_command)
