"""What a kill can cost: requests that are sent and whose answers are not committed are never more than the concurrency."""

import asyncio
from collections import Counter

import pytest
from chat_server import ChatServer, cut, echo, said, status

from rubric_factory.ledger import Ledger
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.protocol import Request
from rubric_factory.records import Message
from rubric_factory.settings import llm

# While a commit is held back, what could be sent meanwhile has this long to come in.
HELD_SECONDS = 0.02


def ask(count):
    return [Request(f"id{i}", (Message("user", f"question {i}"),), 64, 0.0, 1.0, 7) for i in range(count)]


class SlowLedger(Ledger):
    """Holds every commit back; `committed`: answers that are durable."""

    committed = 0
    groups = 0

    def settle(self, answers, failures, released=(), **options):
        self.pause()
        super().settle(answers, failures, released, **options)
        self.groups += bool(answers)
        self.committed += len(answers)
        self.pause()


class Watch:
    """A server that answers no one until `full` requests are there; most: different requests sent and not committed, at most."""

    def __init__(self, full, faults=()):
        self.full, self.faults = full, faults
        self.tries, self.most = Counter(), 0
        self.gate = asyncio.Event()

    async def __call__(self, server, request, body):
        number = self.tries[said(body)]
        self.tries[said(body)] += 1
        self.most = max(self.most, len(self.tries) - self.ledger.committed)
        if len(self.tries) >= self.full:
            self.gate.set()
        await self.gate.wait()
        behave = self.faults[number] if number < len(self.faults) and said(body).endswith(("3", "7")) else echo
        return await behave(server, request, body)


@pytest.mark.parametrize("concurrency", [1, 3, 8, 32])
@pytest.mark.parametrize("faults", [(), (status(500), cut)], ids=["sound", "faulty"])
def test_no_more_is_sent_than_the_concurrency_before_answers_are_committed(tmp_path, concurrency, faults):
    count = 40 + concurrency
    watch = Watch(concurrency, faults)
    with ChatServer(watch) as server, SlowLedger(tmp_path / "ledger.sqlite") as ledger:
        watch.ledger = ledger
        section = llm.OpenAICompatible(model="m", revision="r", base_url=server.url, concurrency=concurrency, retries=4, timeout_seconds=20)
        model = OpenAICompatibleModel(section, backoff_seconds=0.001)
        ledger.pause = lambda: model._loop.call(asyncio.sleep(HELD_SECONDS))
        answers = dict(Paid(model, ledger).complete(ask(count)))
        assert {name: one.text for name, one in answers.items()} == {f"id{i}": f"echo question {i}" for i in range(count)}
        assert ledger.committed == count
        assert ledger.groups > 1
        assert watch.most == concurrency  # the window is full, and never fuller
