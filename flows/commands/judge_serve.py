"""`judge serve`: the locked judge of a version for other trainers, over HTTP."""

import asyncio
import ipaddress
import os
from pathlib import Path

import click

from flows.commands.common import Invocation, command


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@command("serve")
@click.argument("version", metavar="VERSION")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--lock", type=click.Path(path_type=Path), metavar="FILE", help="Another judge lock than the version's own.")
@click.option(
    "--allow-remote", is_flag=True, help="Let --host be an address that other machines reach. The token then travels in plain text."
)
def serve_command(invocation: Invocation, version: str, host: str, port: int, lock: Path | None, allow_remote: bool) -> None:
    """Grade answers over HTTP, for trainers that are not ours.

    POST /v1/grade with {"answers": [{"task_id": ..., "response": ...}]} gives reward (null without a grade), outcome and verdicts of each.
    The configured judge is held against the lock first: exit code 3 where it is another one. It is held against it
    again every 2,000 answers or 15 minutes; once it fails, every request gets 409 with the reason, and no reward, until a restart.
    Callers need the token of RUBRIC_JUDGE_TOKEN;
    where that is unset, one is made and written to a file of the workspace that only you can read. Every call goes through the ledger.
    Runs until Ctrl-C or SIGTERM, which let answers under way be graded. From Python: rubric_factory/rewards_for_trainers.py.
    """
    from flows import judge_server
    from flows.resolve import version_folder
    from flows.runspec import required_judge
    from rubric_factory.errors import Interrupted, UsageError
    from rubric_factory.grading import Grader, describe
    from rubric_factory.judging.gathered import Gathered
    from rubric_factory.judging.judges import opened_judge
    from rubric_factory.judging.rechecked import Rechecked
    from rubric_factory.rewards_for_trainers import TOKEN

    if not (_loopback(host) or allow_remote):
        raise UsageError(
            f"{host} can be reached from other machines", expected="a loopback address", fix="say --allow-remote, or use a tunnel"
        )
    token, context = judge_server.token_of(TOKEN), invocation.context()
    with opened_judge(required_judge(context.settings), context.workspace, stage="serve", account=context.account) as judge:
        grader = Grader.open(version_folder(invocation, version), judge, lock)
        server = judge_server.JudgeServer(grader, Gathered(Rechecked(judge, grader.lock)), token)

        def ready(chosen: int) -> None:
            url, kept = f"http://{f'[{host}]' if ':' in host else host}:{chosen}", context.workspace.judge_token(chosen)
            if not os.environ.get(TOKEN, "").strip():
                judge_server.write_token(kept, token)
                written.append(kept)
            where = f"token in {kept}" if written else f"token of {TOKEN}"
            invocation.say(f"{judge.identity} grades {grader.version.name} {grader.version.version} on {url}; {where}; Ctrl-C stops it")
            invocation.result({"address": url, "token_file": str(kept) if written else "", "pid": os.getpid(), **describe(grader)})

        written: list[Path] = []
        try:
            asyncio.run(judge_server.serve(server, host, port, ready))
        finally:
            server.gathered.close()
            for path in written:
                path.unlink(missing_ok=True)
    raise Interrupted("stopped by a signal")
