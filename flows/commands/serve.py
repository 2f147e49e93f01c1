"""`serve`: the daily jobs behind one command: rebuild by the clock, train what is published, evaluate, tell of failures."""

import importlib.util
import os

import click

from flows.commands.common import DEFAULT_CONFIG, Invocation, command


@command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; anyone who reaches it can start jobs.")
@click.option("--port", type=click.IntRange(1, 65535), default=4200, show_default=True, help="Port of Prefect's server and UI.")
def serve_command(invocation: Invocation, host: str, port: int) -> None:
    """Run the daily jobs: a Prefect server, its worker and the deployments.

    A rebuild by [serve] cron; what it publishes is trained once, then evaluated; failures go to [serve] webhook. Training needs [training]
    and [judge]. Runs until Ctrl-C or SIGTERM, which stop everything it started; the next start carries on. Everything Prefect keeps is in
    prefect/ of the workspace; nothing leaves the machine.
    """
    from flows import serve
    from flows.deployed import names
    from rubric_factory.errors import MissingExtraError

    if importlib.util.find_spec("prefect") is None:
        raise MissingExtraError.of("prefect", "prefect")
    settings, workspace, address = invocation.settings(), invocation.place(), serve.Address(host, port)
    serve.require_free(address)
    workspace.create()
    made = serve.family(settings, invocation.config or DEFAULT_CONFIG, workspace, address)
    try:
        server, worker = made
        server.start()
        serve.bury(settings, address, invocation.say)
        worker.start()
        invocation.say(f"serving {settings.name} on {address.ui}: {', '.join(names(settings))}; Ctrl-C stops it")
        invocation.result({"address": address.ui, "deployments": names(settings), "pid": os.getpid()})
        serve.catch_up(settings, workspace, address, invocation.say)
        serve.look_after(made, lambda line: click.echo(line, err=True))
    finally:
        serve.stop(made)
