"""The command `rubric-factory`: a lazy list of commands and the one boundary where errors become lines and exit codes.

Importing this module costs click and nothing else: a command's own module is imported when it is run.
"""

import atexit
import errno
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from flows.commands.common import Invocation
from rubric_factory.errors import FactoryError, Interrupted
from rubric_factory.text import printable

# Name: (module under flows.commands, what it does). In the order a newcomer needs them.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Walk the sample documents through every stage, into a published version, and train a small policy on it."),
    "rebuild": ("rebuild", "Run all stages over the configured sources, shard by shard, under Prefect."),
    "ingest": ("stages", "Read documents from the sources and extract their text."),
    "passages": ("stages", "Cut texts into passages, find duplicates, select."),
    "author": ("author", "Write questions, reference answers and rubrics."),
    "gate": ("stages", "Check every task against the quality gates."),
    "publish": ("stages", "Gate, probe and lock the judge, stage, check contracts, render the audit page, and publish a version."),
    "train": ("train", "Train a policy on a published version."),
    "evaluate": ("evaluate", "Evaluate a served model, or show the evaluation of a training run."),
    "judge": ("judge", "Grade a file of answers; probe, lock, verify, serve and calibrate the judge; compare two."),
    "ledger": ("ledger", "Look inside the ledger of paid calls; open dead letters again, export, compact."),
    "forecast": ("cost", "Show calls, tokens, hours and money of the work that is left, from a measured sample."),
    "cost": ("cost", "Show what models have cost, by stage, by gate and per published task."),
    "serve": ("serve", "Run the daily jobs: a Prefect server, its worker and the deployments."),
    "versions": ("versions", "List the published versions."),
    "verify": ("versions", "Check a published version against its manifest."),
    "audit": ("audit", "Render the audit page of a version from its folder alone."),
    "inspect": ("inspect", "Show what was made of one document, passage or task."),
    "recordings": ("recordings", "Check recorded answers of a language model against the requests of today."),
    "status": ("status", "Show how far the workspace is, without locking it."),
    "doctor": ("doctor", "Check environment and workspace; repair the warehouse."),
}


class LazyGroup(click.Group):
    """Commands by name, imported on use, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"flows.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands from COMMANDS alone: nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rubric-factory")
def cli() -> None:
    """Technical documents in, a published rubric dataset out.

    Start with `rubric-factory demo`. Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 blocked by a gate or contract,
    130 stopped by Ctrl-C.
    """


def _disk_full(error: BaseException) -> bool:
    """Whether an error, of whichever library, says that the disk is full."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "no space left on device" in str(error).lower()


def explain(error: BaseException) -> tuple[int, str]:
    """Exit code and the one line a person sees for an exception."""
    if isinstance(error, KeyboardInterrupt | click.Abort | Interrupted):
        return 130, "stopped; what was finished is kept; run the same command again to continue"
    if isinstance(error, FactoryError):
        return error.exit_code, f"error: {printable(str(error), 2000)}"
    if isinstance(error, click.ClickException):
        return 2, f"error: {printable(error.format_message(), 2000)}; fix: see rubric-factory --help"
    if _disk_full(error):
        return 1, f"error: no space left on the disk ({printable(str(error))}); fix: free some and run the command again: it continues"
    return 1, f"error: unexpected {type(error).__name__}: {printable(str(error), 500)}; fix: run again with --debug for the traceback"


def _asked_for_json(arguments: Sequence[str]) -> bool:
    """Whether --json stands on a command line that click could not read to its end."""
    return "--json" in arguments and "--" not in arguments[: arguments.index("--json")]


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. Nothing is raised."""
    invocation = Invocation()
    try:
        result = cli.main(list(arguments) or ["--help"], prog_name="rubric-factory", standalone_mode=False, obj=invocation)
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to say, nor at exit
        return 1
    except (Exception, KeyboardInterrupt) as error:  # the process boundary
        code, line = explain(error)
        if invocation.debug:
            traceback.print_exc()
        click.echo(line, err=True)
        if invocation.json or _asked_for_json(arguments):
            click.echo(json.dumps({"error": line, "exit_code": code}))
        return code


def _leave(code: int) -> NoReturn:
    """End the process after its exit handlers, without taking hundreds of loaded modules apart first: that alone can take seconds."""
    for number in (signal.SIGTERM, signal.SIGINT):  # it is ending already: a second Ctrl-C would only show a traceback
        signal.signal(number, signal.SIG_IGN)
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def main() -> None:
    """Entry point: SIGTERM stops as gently as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGINT):  # a script's background job begins with SIGINT ignored, and so would all it starts
        signal.signal(number, signal.default_int_handler)
    _leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
