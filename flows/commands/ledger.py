"""`ledger`: look inside the file of paid calls, open dead letters again, export it and keep it small."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.commands.common import Invocation, command, common_options

if TYPE_CHECKING:
    from rubric_factory.ledger import Ledger

MOST = 20


@contextmanager
def _open(invocation: Invocation) -> "Iterator[Ledger]":
    """The workspace's ledger. Errors: UsageError where there is none: looking makes no file."""
    from rubric_factory.errors import UsageError
    from rubric_factory.ledger import Ledger

    path = invocation.place().ledger
    if not path.exists():
        raise UsageError(f"no ledger at {path}", expected="a workspace in which a model was asked", fix="name it with --workspace")
    with Ledger(path) as ledger:
        yield ledger


def _summary(invocation: Invocation) -> None:
    from rubric_factory.text import printable

    with _open(invocation) as ledger:
        rows, size = ledger.summary(), ledger.connection.path.stat().st_size
    for row in rows:
        head = printable(f"{row['model']}@{row['revision']}", 200)
        tokens = f"{row['prompt_tokens']} prompt and {row['completion_tokens']} completion tokens"
        invocation.say(f"{head}  {row['state']:<9} {row['calls']} calls, sent {row['sent']} times, {tokens}, {row['seconds']:.0f} s")
    invocation.say(f"{size} bytes")
    invocation.result({"calls": rows, "bytes": size})


def _show(invocation: Invocation, row: dict[str, Any]) -> None:
    """One call for a person: every line made safe for a terminal."""
    from rubric_factory.text import printable

    def block(title: str, text: str) -> None:
        invocation.say(f"--- {printable(title)}")
        for line in text.splitlines():
            invocation.say(printable(line, 10_000))

    invocation.say(f"{printable(row['key'])}  {row['state']}")
    for name in ("model", "revision", "stage", "subject", "part", "sent", "attempts", "reason", "endpoint", "served_model", "engine"):
        if row[name] not in (None, ""):
            invocation.say(printable(f"  {name}: {row[name]}", 1000))
    if row["text"] is not None:
        cached = "not told" if row["cached_tokens"] is None else row["cached_tokens"]
        invocation.say(f"  tokens: {row['prompt_tokens']} prompt (cached: {cached}), {row['completion_tokens']} completion")
        invocation.say(
            f"  answered: {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(row['answered_at']))} UTC after {row['seconds']:.1f} s"
        )
    request = row["request"]
    if request is None:
        invocation.say("  request: not kept")
    else:
        invocation.say(
            "  " + ", ".join(f"{name} {printable(str(request[name]))}" for name in ("max_tokens", "temperature", "top_p", "seed"))
        )
        for message in request["messages"]:
            block(str(message["role"]), str(message["content"]))
    if row["text"] is not None:
        block(f"answer {row['failure']} {row['detail']}".rstrip(), row["text"])


@command("show")
@click.argument("key", metavar="KEY|PREFIX")
def show_command(invocation: Invocation, key: str) -> None:
    """Show the calls whose key begins so: what was asked, what for, and the raw answer."""
    from flows.retention import readable
    from rubric_factory.errors import UsageError
    from rubric_factory.ledger import look
    from rubric_factory.text import printable

    with _open(invocation) as ledger:
        rows = [readable(row) for row in look.found(ledger, key, MOST)]
    if not rows:
        raise UsageError(f"no call's key begins with {key!r}", expected="the first digits of one", fix="ledger export lists them all")
    if len(rows) > 1:
        invocation.say(f"{len(rows)} calls{' at least' if len(rows) == MOST else ''}:")
    for row in rows if len(rows) == 1 else ():
        _show(invocation, row)
    for row in rows if len(rows) > 1 else ():
        what_for = f"{printable(row['stage'])} {printable(row['subject'], 24)} {printable(row['part'], 60)}"
        invocation.say(f"  {printable(row['key'])}  {row['state']}  {what_for}")
    invocation.result({"calls": rows})


@command("dead")
def dead_command(invocation: Invocation) -> None:
    """List dead letters: calls given up after as many failed runs as give_up_after says, with the last reason."""
    from rubric_factory.text import printable

    with _open(invocation) as ledger:
        rows = ledger.dead()
    for row in rows:
        invocation.say(printable(f"{row['key']}  {row['stage']} {row['subject'][:24]}  {row['attempts']} failed: {row['reason']}", 600))
    invocation.say(f"{len(rows)} dead letters" + ("; `ledger retry KEY` or `ledger retry --all` opens them again" if rows else ""))
    invocation.result({"dead": rows})


@command("retry")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "every", is_flag=True, help="Every dead letter.")
def retry_command(invocation: Invocation, keys: tuple[str, ...], every: bool) -> None:
    """Open dead letters again: the next run asks them as if they had never failed. KEY may be the beginning of one."""
    from rubric_factory.errors import UsageError
    from rubric_factory.ledger import look

    if every == bool(keys):
        raise UsageError("ledger retry wants keys or --all", expected="one of both", fix="rubric-factory ledger dead lists the keys")
    with _open(invocation) as ledger:
        dead = [row["key"] for row in ledger.dead()]
        unknown = [key for key in keys if not any(one.startswith(key.lower()) for one in dead)]
        if unknown:
            raise UsageError(f"no dead letter's key begins with {unknown[0]!r}", expected="a key of `ledger dead`", fix="check it")
        count = look.retry(ledger, [one for one in dead if every or one.startswith(tuple(key.lower() for key in keys))])
    invocation.say(f"{count} dead letters are open again")
    invocation.result({"opened": count})


@command("export")
@click.argument("file", type=click.Path(path_type=Path))
def export_command(invocation: Invocation, file: Path) -> None:
    """Write every call with its request and raw answer to FILE, JSON lines; gzipped where its name ends in .gz."""
    from flows.retention import readable, write_calls
    from rubric_factory.ledger import look

    with _open(invocation) as ledger:
        count = write_calls((readable(row) for row in look.everything(ledger)), file)
    invocation.say(f"{count} calls written to {file}")
    invocation.result({"calls": count, "file": str(file)})


@command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_command(invocation: Invocation, file: Path) -> None:
    """Take answered calls back from FILE, an export or an archive; those that are there already stay. No cost is counted again."""
    from flows.retention import read_calls
    from rubric_factory.ledger import Ledger, look

    with Ledger(invocation.place().ledger) as ledger:
        count = look.restore(ledger, read_calls(file))
    invocation.say(f"{count} answered calls read from {file}")
    invocation.result({"read": count})


@command("compact")
@click.option(
    "--archive", type=click.Path(path_type=Path), metavar="FILE", help="Move answers that nothing needs any more to FILE (.jsonl.gz)."
)
@click.option("--older-than", type=click.FloatRange(min=0), default=30.0, show_default=True, metavar="DAYS", help="Touch nothing younger.")
@click.option("--drop-requests", is_flag=True, help="Drop what was asked, keep what it was for and the answers.")
def compact_command(invocation: Invocation, archive: Path | None, older_than: float, drop_requests: bool) -> None:
    """Give unused space back to the disk. Nothing is deleted unless an option says so.

    --archive keeps every answer about a passage or task of the workspace or of a published version, and every one of unknown purpose;
    `ledger import` brings an archive back. What answers cost stays in the accounts.
    """
    from flows.retention import archive as move
    from rubric_factory.ledger import look

    with _open(invocation) as ledger:
        look.alone(ledger)
        moved = move(ledger, invocation.place(), archive, older_than) if archive else 0
        if drop_requests:
            look.drop_requests(ledger, look.days_ago(older_than))
        before, after = look.compact(ledger)
    invocation.say(f"{moved} answers archived" + (f" in {archive}" if moved else "") + f"; {before} bytes before, {after} after")
    invocation.result({"archived": moved, "bytes_before": before, "bytes_after": after})


@click.group("ledger", invoke_without_command=True)
@click.pass_context
def ledger_command(ctx: click.Context) -> None:
    """Look inside the ledger of paid calls; open dead letters again, export, compact.

    Without a further word: how many calls of each model are in which state, and what they cost. Starts nothing and locks nothing.
    """
    if ctx.invoked_subcommand is None:
        _summary(ctx.ensure_object(Invocation))


ledger_command.params += common_options()
for _subcommand in (show_command, dead_command, retry_command, export_command, import_command, compact_command):
    ledger_command.add_command(_subcommand)
