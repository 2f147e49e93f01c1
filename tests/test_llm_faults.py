"""Every fault we know, at 30 and at 60 %: what went in is done or dead with a reason, nothing is lost, and nobody gets another's answer."""

import asyncio
import json
import random
from collections import Counter

import pytest
from aiohttp import web
from chat_server import ChatServer, cut, flood, hang, raw, reply, reset, said, status
from pydantic import BaseModel, ConfigDict, ValidationError

from rubric_factory.ledger import Ledger
from rubric_factory.llm.limits import Clock
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.protocol import CompletionFailure, Request
from rubric_factory.records import Message
from rubric_factory.settings import llm

COUNT, RUNS = 150, 4
PENDING = (CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT)


class Reply(BaseModel):
    """What is asked for: the id of the question beside the answer, so that a wrong pairing shows."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: str
    text: str


def content(identifier, text="answer"):
    return json.dumps({"id": identifier, "text": text})


async def good(server, request, body):
    return web.json_response(reply(content(said(body))))


async def swapped(server, request, body):
    return web.json_response(reply(content(str((int(said(body)) + 1) % COUNT))))


async def wrong_schema(server, request, body):
    return web.json_response(reply(content(said(body), [1, 2])))


FAULTS = {
    "429": status(429, headers={"Retry-After": "1"}),
    "500": status(500),
    "hang": hang,
    "cut body": cut,
    "garbage": raw(b"<html>bad gateway</html>"),
    "wrong schema": wrong_schema,
    "swapped ids": swapped,
    "10 MB": flood(10_000_000),
    "NaN": raw(b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": NaN}}'),
    "reset": reset,
}


def storm(share):
    draw, met = random.Random(5), Counter()

    async def behave(server, request, body):
        await asyncio.sleep(draw.random() / 100)  # answers come in another order than the questions
        name = draw.choice([*FAULTS]) if draw.random() < share else ""
        met[name] += 1
        return await FAULTS.get(name, good)(server, request, body)

    return behave, met


def outcome(request_id, completion):
    if completion.failure in PENDING:
        return "pending"
    if completion.failure is not None:
        assert completion.detail
        return f"dead: {completion.failure}"
    try:
        made = Reply.model_validate_json(completion.text)
    except ValidationError:
        return "dead: schema violation"
    return "done" if made.id == request_id else "dead: another's id"


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_in_equals_done_plus_dead(share, tmp_path):
    schema = Reply.model_json_schema()
    requests = [Request(str(n), (Message("user", str(n)),), 64, 0.0, 1.0, 7, schema) for n in range(COUNT)]
    behave, met = storm(share)
    outcomes = {}
    with ChatServer(behave) as server, Ledger(tmp_path / "ledger.sqlite") as ledger:
        section = llm.OpenAICompatible(model="m", revision="r", base_url=server.url, concurrency=32, retries=2, timeout_seconds=0.4)
        for _ in range(RUNS):
            pairs = list(Paid(OpenAICompatibleModel(section, clock=Clock(200)), ledger).complete(requests))
            assert sorted(name for name, _ in pairs) == sorted(request.request_id for request in requests)
            now = {name: outcome(name, completion) for name, completion in pairs}
            settled = {name: what for name, what in outcomes.items() if what != "pending"}
            assert {name: now[name] for name in settled} == settled
            outcomes = now
        asked = dict(server.calls)
        list(Paid(OpenAICompatibleModel(section), ledger).complete(requests))
        assert dict(server.calls) == asked, "everything is settled: nothing is asked again"
        dead = {row["key"]: row["reason"] for row in ledger.dead()}
    counts = Counter(outcomes.values())
    assert set(met) == {"", *FAULTS}
    assert set(counts) <= {"done", "dead: schema violation", "dead: another's id", "dead: given_up"}
    assert counts.total() == COUNT
    assert counts["done"] > COUNT / 3
    assert counts["dead: given_up"] == len(dead)
    assert all(dead.values())
