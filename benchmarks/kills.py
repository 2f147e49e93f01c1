"""SIGKILLs of `rubric-factory author`, a real process, against a real HTTP server that shoots its client at drawn moments.

python benchmarks/kills.py [--kills 50] [--passages 400] [--seed 1]: prints calls, calls paid twice and their bound, and whether the tasks
are those of a run that nothing disturbed. Takes about 4 seconds a kill, most of it the start of a process.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from aiohttp import web  # noqa: E402
from chat_server import ChatServer, reply  # noqa: E402
from test_author_stage import PASSAGE_LIST, fill, passage_of, rows_of, scripted  # noqa: E402

from rubric_factory.ledger import Ledger  # noqa: E402
from rubric_factory.llm.protocol import Request  # noqa: E402
from rubric_factory.records import Message  # noqa: E402
from rubric_factory.settings import load_settings  # noqa: E402
from rubric_factory.stages import Context  # noqa: E402
from rubric_factory.stages.author import author as undisturbed  # noqa: E402
from rubric_factory.workspace import Workspace  # noqa: E402

CONCURRENCY = 8
LATENCY = 0.1
TABLES = ("tasks", "authored", "rejections")
CONFIG = """
name = "kills"
seed = 1
[author]
type = "openai_compatible"
model = "m"
revision = "1"
base_url = "{url}"
concurrency = {concurrency}
retries = 0
weak_answer = false
writing = {{ min_criteria = 2, max_criteria = 4 }}
"""


@dataclass
class Outcome:
    """kills: processes shot; calls: that reached the server; distinct: different ones; same: tasks equal those of an undisturbed run."""

    kills: int = 0
    passages: int = 0
    calls: int = 0
    distinct: int = 0
    tasks: int = 0
    same: bool = False
    states: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def twice(self) -> int:
        return self.calls - self.distinct

    @property
    def bound(self) -> int:
        return self.kills * CONCURRENCY


class Marksman:
    """Answers after LATENCY; in each run, shoots its client a moment after a drawn call has come in."""

    def __init__(self, draw: random.Random) -> None:
        self.draw, self.process, self.left, self.shot = draw, SimpleNamespace(pid=0), -1, False

    def aim(self) -> None:
        self.left, self.shot = self.draw.randint(1, 3 * CONCURRENCY), False

    async def __call__(self, server: ChatServer, request: web.Request, body: dict) -> web.StreamResponse:
        self.left -= 1
        if self.left == 0:
            await asyncio.sleep(self.draw.choice([0.0, self.draw.uniform(0.0, 1.5 * LATENCY)]))
            self.shot = True
            os.kill(self.process.pid, signal.SIGKILL)
        await asyncio.sleep(LATENCY)
        messages = tuple(Message(m["role"], m["content"]) for m in body["messages"])
        return web.json_response(reply(scripted(Request("x", messages, 1, 0.0, 1.0, 0))))


def prepared(folder: Path, url: str, passages: int) -> Context:
    """A workspace with selected passages, and its configuration beside it."""
    folder.mkdir(parents=True)
    (folder / "pipeline.toml").write_text(CONFIG.format(url=url, concurrency=CONCURRENCY))
    context = Context(load_settings(folder / "pipeline.toml"), Workspace(folder / "workspace"))
    fill(context, [passage_of(n, f"{PASSAGE_LIST[n % 6].text}  Number {n}.") for n in range(passages)])
    return context


def author(folder: Path) -> subprocess.Popen[bytes]:
    """The command, as a person starts it."""
    words = [sys.executable, "-m", "flows.cli", "author", "--config", str(folder / "pipeline.toml")]
    return subprocess.Popen([*words, "--workspace", str(folder / "workspace")], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT)


def finished(process: subprocess.Popen[bytes]) -> int:
    _, errors = process.communicate(timeout=120)
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(errors.decode())
    return process.returncode


def killed(kills: int, passages: int, seed: int, folder: Path) -> Outcome:
    """Shoot `kills` runs, then let one finish, and compare with a run that nothing disturbed."""
    started, marksman = time.monotonic(), Marksman(random.Random(seed))
    outcome = Outcome(passages=passages)
    with ChatServer(marksman) as server:
        context = prepared(folder / "shot", server.url, passages)
        while outcome.kills < kills:
            marksman.aim()
            marksman.process = process = author(folder / "shot")
            if finished(process) == 0:
                break  # everything is done: there is nothing left to disturb
            outcome.kills += marksman.shot
        marksman.left = -1
        finished(author(folder / "shot"))
        outcome.calls, outcome.distinct = sum(server.calls.values()), len(server.calls)
        whole = prepared(folder / "whole", server.url, passages)
        undisturbed(whole)
    rows = rows_of(context, *TABLES)
    outcome.tasks, outcome.same = len(rows[0]), rows == rows_of(whole, *TABLES)
    with Ledger(context.workspace.ledger) as ledger:
        outcome.states = {row["state"]: row["calls"] for row in ledger.summary()}
    outcome.seconds = time.monotonic() - started
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--passages", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = killed(chosen.kills, chosen.passages, chosen.seed, Path(folder))
    print(
        f"{found.kills} kills, {found.passages} passages: {found.calls} calls for {found.distinct} questions, {found.twice} paid twice"
        f" (bound {found.bound}), {found.tasks} tasks, {'the same' if found.same else 'NOT THE SAME'} as undisturbed;"
        f" ledger {found.states}; {found.seconds:.0f} s"
    )
    raise SystemExit(0 if found.same and found.twice <= found.bound else 1)


if __name__ == "__main__":
    main()
