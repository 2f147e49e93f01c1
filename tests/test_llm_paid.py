"""The ledger in front of a real server: killed anywhere, run twice, run side by side, nothing is lost and nothing paid twice."""

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys

import pytest
from aiohttp import web
from chat_server import ChatServer, echo, in_turn, reply, said, status

from rubric_factory.errors import LanguageModelError
from rubric_factory.ledger import Ledger
from rubric_factory.llm.backends import open_model
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import CLAIM_REQUESTS, Paid
from rubric_factory.llm.protocol import Completion, CompletionFailure, Request
from rubric_factory.records import Message
from rubric_factory.settings import llm

CONCURRENCY = 8

# One run of a program that wants `count` answers: id, failure and text of each, a line each.
PROGRAM = """
import sys
from pathlib import Path
from rubric_factory.ledger import Ledger
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.protocol import Request
from rubric_factory.records import Message
from rubric_factory.settings import llm

url, path, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
section = llm.OpenAICompatible(model="m", revision="r", base_url=url, concurrency=8, retries=2, timeout_seconds=20)
with Ledger(path) as ledger:
    model = Paid(OpenAICompatibleModel(section, backoff_seconds=0.001), ledger)
    requests = (Request(f"id{i}", (Message("user", f"question {i}"),), 64, 0.0, 1.0, 7) for i in range(count))
    for request_id, completion in model.complete(requests):
        print(request_id, completion.failure or "-", completion.text, sep="|", flush=True)
"""


def ask(*numbers, prefix="id"):
    return [Request(f"{prefix}{i}", (Message("user", f"question {i}"),), 64, 0.0, 1.0, 7) for i in numbers]


def paid(server, ledger, **changes):
    keywords = {"retries": 1, "concurrency": CONCURRENCY, "timeout_seconds": 5} | changes
    section = llm.OpenAICompatible(model="m", revision="r", base_url=server.url, **keywords)
    return Paid(OpenAICompatibleModel(section, backoff_seconds=0.001), ledger)


def program(server, path, count):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, server.url, str(path), str(count)], stdout=subprocess.PIPE, text=True)


def lines(out):
    rows = [line.strip().split("|") for line in out.splitlines(keepends=True) if line.endswith("\n")]  # a kill may cut the last one
    return {row[0]: (row[1], row[2]) for row in rows}


def states(ledger):
    return {row["state"]: row["calls"] for row in ledger.summary()}


def expected(count):
    return {f"id{i}": ("-", f"echo question {i}") for i in range(count)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


def test_a_second_run_pays_nothing_and_says_the_same(path):
    requests = ask(*range(2 * CLAIM_REQUESTS + 7))
    with ChatServer() as server, Ledger(path) as ledger:
        first = dict(paid(server, ledger).complete(requests))
        assert set(server.calls.values()) == {1}
        assert states(ledger) == {"answered": len(requests)}
    with Ledger(path) as ledger:  # the server is gone: nobody asks it
        assert dict(paid(server, ledger).complete(requests)) == first


def test_stored_answers_flow_out_while_nothing_is_sent(path):
    """A long warm run must not pile its answers up: the first comes before the last question is drawn."""
    drawn = []

    def source(count):
        for request in ask(*range(count)):
            drawn.append(request)
            yield request

    with ChatServer() as server, Ledger(path) as ledger:
        list(paid(server, ledger).complete(source(5 * CLAIM_REQUESTS)))
        drawn.clear()
        stream = paid(server, ledger).complete(source(5 * CLAIM_REQUESTS))
        next(stream)
        assert len(drawn) == CLAIM_REQUESTS
        stream.close()


def test_the_same_question_is_paid_once_and_answered_to_all(path):
    requests = [*ask(0, 1), *ask(0, 1, prefix="again"), *ask(0, prefix="third")]
    with ChatServer() as server, Ledger(path) as ledger:
        answers = dict(paid(server, ledger).complete(requests))
        assert len(answers) == 5
        assert answers["id0"] == answers["again0"] == answers["third0"]
        assert server.calls == {"question 0": 1, "question 1": 1}


def test_an_answer_is_durable_before_it_is_handed_on(path):
    with ChatServer() as server, Ledger(path) as ledger, Ledger(path) as onlooker:
        for handed_on, (_, completion) in enumerate(paid(server, ledger).complete(ask(*range(20))), start=1):
            assert completion.failure is None
            assert states(onlooker)["answered"] >= handed_on


def test_calls_are_written_down_before_they_are_sent(path):
    seen = []
    with ChatServer() as server, Ledger(path) as ledger, Ledger(path) as onlooker:

        async def look(server, request, body):
            seen.append(onlooker.summary()[0]["state"])
            return await echo(server, request, body)

        server.behaviour = look
        list(paid(server, ledger, concurrency=1).complete(ask(0)))
    assert seen == ["in_flight"]


def test_failures_are_tried_again_next_run_and_become_dead_letters(path):
    with ChatServer(status(500)) as server, Ledger(path) as ledger:
        for run in range(1, 4):
            ((_, completion),) = paid(server, ledger, retries=0).complete(ask(0))
            assert completion.failure is CompletionFailure.TRANSPORT
            assert server.calls["question 0"] == run
        ((_, completion),) = paid(server, ledger).complete(ask(0))
        assert completion.failure is CompletionFailure.GIVEN_UP
        assert "3 runs" in completion.detail
        assert "HTTP 500" in completion.detail
        assert server.calls["question 0"] == 3


def test_a_bad_request_is_neither_stored_nor_an_attempt_and_stored_answers_say_so(path):
    with ChatServer(in_turn(*[status(400, "max_tokens is too large")] * 5)) as server, Ledger(path) as ledger:
        for _ in range(5):
            ((_, completion),) = paid(server, ledger).complete(ask(0))
            assert completion.failure is CompletionFailure.BAD_REQUEST and states(ledger) == {"open": 1}
        for stored in (False, True):
            ((_, completion),) = paid(server, ledger).complete(ask(0))
            assert (completion.failure, completion.stored) == (None, stored)


def test_a_failure_that_heals_is_an_answer(path):
    with ChatServer(in_turn(status(500))) as server, Ledger(path) as ledger:
        assert dict(paid(server, ledger, retries=0).complete(ask(0)))["id0"].failure is CompletionFailure.TRANSPORT
        assert dict(paid(server, ledger, retries=0).complete(ask(0)))["id0"].text == "echo question 0"


@pytest.mark.parametrize(
    ("choice", "failure"),
    [
        ({"message": {"content": "half"}, "finish_reason": "length"}, CompletionFailure.TRUNCATED),
        ({"message": {"refusal": "I will not"}, "finish_reason": "stop"}, CompletionFailure.REFUSED),
    ],
)
def test_truncated_and_refused_were_paid_for_and_are_stored(path, choice, failure):
    async def behave(server, request, body):
        return web.json_response(reply("", choices=[choice]))

    with ChatServer(behave) as server, Ledger(path) as ledger:
        first = dict(paid(server, ledger).complete(ask(0)))
        assert first["id0"].failure is failure
        assert dict(paid(server, ledger).complete(ask(0))) == first
        assert server.calls["question 0"] == 1


def test_a_server_that_is_not_there_costs_no_attempt(path):
    with ChatServer() as server:
        pass
    with Ledger(path) as ledger:
        for _ in range(4):
            with pytest.raises(LanguageModelError):
                list(paid(server, ledger).complete(ask(*range(10))))
        assert states(ledger) == {"open": 10}


def test_a_closed_generator_gives_its_leases_back(path):
    with ChatServer() as server, Ledger(path) as ledger, Ledger(path) as other:
        stream = paid(server, ledger).complete(ask(*range(40)))
        next(stream)
        stream.close()
        claims = other.claim([r.key("m", "r") for r in ask(*range(40))], "m", "r")
        assert claims.busy == []
        assert len(claims.answered) + len(claims.mine) == 40
        assert len(claims.answered) >= 1


def test_killed_at_random_points_nothing_is_lost_and_little_is_paid_twice(path):
    """The server shoots its client at the n-th call of each run, n drawn: deterministic, and between any two steps of the client."""
    count, kills = 60, 0
    draw = random.Random(11)
    victim = {}

    async def shoot(server, request, body):
        victim["calls"] -= 1
        if victim["calls"] == 0:
            os.kill(victim["process"].pid, signal.SIGKILL)
            return await asyncio.sleep(3600)
        await asyncio.sleep(draw.random() / 100)
        return await echo(server, request, body)

    with ChatServer(shoot) as server:
        for _ in range(20):
            known = sum(server.calls.values())
            victim.update(calls=draw.randint(1, 25), process=None)
            victim["process"] = process = program(server, path, count)
            out, _ = process.communicate(timeout=60)
            for request_id, line in lines(out).items():
                assert line == expected(count)[request_id]
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL
            assert sum(server.calls.values()) > known
            kills += 1
        assert lines(out) == expected(count)
        assert kills >= 3
        assert len(server.calls) == count
        assert sum(server.calls.values()) - count <= kills * CONCURRENCY


def test_two_processes_side_by_side_make_one_call_each(path):
    async def slow(server, request, body):
        await asyncio.sleep(0.02)
        return await echo(server, request, body)

    with ChatServer(slow) as server:
        both = [program(server, path, 80) for _ in range(2)]
        outs = [process.communicate(timeout=60)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert [lines(out) for out in outs] == [expected(80)] * 2
        assert set(server.calls.values()) == {1}
        assert len(server.calls) == 80


def test_the_work_of_a_killed_neighbour_is_taken_over(path):
    """One process hangs on its first calls, another waits for them; the first is killed, the second pays for them and ends."""
    neighbour = {}
    numbers = itertools.count()

    async def stall(server, request, body):
        if next(numbers) < CONCURRENCY:
            return await asyncio.sleep(3600)
        if said(body) == "question 79":  # the other process's last own call: now the first one dies
            neighbour["process"].kill()
        return await echo(server, request, body)

    with ChatServer(stall) as server:
        neighbour["process"] = first = program(server, path, 30)
        while server.active < CONCURRENCY:
            assert first.poll() is None
        second = program(server, path, 80)
        out, _ = second.communicate(timeout=60)
        first.communicate()
        assert lines(out) == expected(80)
        assert sum(server.calls.values()) - 80 <= CONCURRENCY


def test_open_model_puts_the_ledger_in_front(path):
    section = llm.Scripted(model="m", revision="r", function="test_llm_paid:shout", give_up_after=2)
    with Ledger(path) as ledger:
        model = open_model(section, ledger)
        assert isinstance(model, Paid)
        assert (model.model, model.revision, model.give_up_after) == ("m", "r", 2)
        assert dict(model.complete(ask(1)))["id1"] == Completion(text="QUESTION 1", served_model="scripted:test_llm_paid:shout")
        assert states(ledger) == {"answered": 1}
    assert not isinstance(open_model(section, None), Paid)


def shout(request):
    return said({"messages": [{"content": request.messages[-1].content}]}).upper()
