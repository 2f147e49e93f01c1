"""`rebuild`: all stages over the configured sources; under Prefect, or as an estimate of what that would cost."""

import contextlib

import click

from flows.commands.common import ALLOW, DEFAULT_CONFIG, Invocation, command
from rubric_factory.stages import STAGES


def _dry_run(invocation: Invocation, sources: tuple[str, ...], limit: int | None, start: str) -> None:
    from flows.estimate import estimate_rebuild
    from flows.needs import local_models
    from flows.pipeline import with_sources

    local_models(invocation.settings())
    context = invocation.context(with_sources(invocation.settings(), sources))
    # Without a workspace there is nothing to lock, and none is made.
    with context.workspace.writing() if context.workspace.root.exists() else contextlib.nullcontext():
        found = estimate_rebuild(context, start=start, limit=limit)
    invocation.say(f"dry run of {context.settings.name}: nothing was read, sent or paid")
    for name, value in found.figures.items():
        invocation.say(f"  {name.replace('_', ' '):<24} {'unknown' if value is None else value}  ({found.basis[name]})")
    invocation.result({"dry_run": True, **found.figures, "basis": found.basis})


def _run(invocation: Invocation, sources: tuple[str, ...], limit: int | None, start: str, allow: bool) -> None:
    from flows import offline
    from flows.pipeline import with_sources
    from rubric_factory.stages.ingest import check_sources

    if start == "ingest":
        check_sources(invocation.context(with_sources(invocation.settings(), sources)))
    offline.prepare(invocation.place())
    from flows.rebuild import rebuild

    workspace = str(invocation.workspace) if invocation.workspace else None
    rows = rebuild(str(invocation.config or DEFAULT_CONFIG), workspace, sources, limit, start, allow)
    invocation.report(*rows)
    invocation.result({"dry_run": False, "stages": rows})


@command("rebuild")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Read the first N entries of the sources only, in the order of their keys."
)
@click.option("--dry-run", is_flag=True, help="Show documents, calls, tokens, time and money; read, send and pay nothing.")
@click.option(
    "--from",
    "start",
    type=click.Choice(STAGES),
    default="ingest",
    show_default=True,
    help="Begin at this stage, on what the stages before it left.",
)
@click.option("--allow-unlocked-judge", is_flag=True, help=ALLOW)
def rebuild_command(
    invocation: Invocation, sources: tuple[str, ...], limit: int | None, dry_run: bool, start: str, allow_unlocked_judge: bool
) -> None:
    """Run all stages over the configured sources, shard by shard, under Prefect.

    SOURCE is as for `ingest`; given ones replace the configured ones. Ends with a published version, or says that nothing is new. The
    single-stage commands do the same work without Prefect.
    """
    if dry_run:
        _dry_run(invocation, sources, limit, start)
    else:
        _run(invocation, sources, limit, start, allow_unlocked_judge)
