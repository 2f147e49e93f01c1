"""The HTTP backend against a real server that misbehaves in every way we know: in = done + failed, none lost, none wrong."""

import asyncio
import random
import signal
import threading
import time

import pytest
from aiohttp import web
from chat_server import ChatServer, cut, echo, flood, hang, in_turn, raw, reply, reset, said, status

from rubric_factory.errors import LanguageModelError
from rubric_factory.llm.chat_http import retry_after
from rubric_factory.llm.limits import Clock
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.protocol import CompletionFailure, Request
from rubric_factory.records import Message
from rubric_factory.settings import llm

KEY = "sk-secret-0123456789"


def ask(count, schema=None):
    return [Request(f"id{i}", (Message("user", f"question {i}"),), 64, 0.0, 1.0, 7, schema) for i in range(count)]


def backend(url, **changes):
    """On a clock that runs a thousand times as fast."""
    section = llm.OpenAICompatible(
        model="m", revision="r", base_url=url, **{"retries": 3, "timeout_seconds": 5, "concurrency": 8} | changes
    )
    return OpenAICompatibleModel(section, clock=Clock(1000))


def finished(model, requests):
    """Answers by id, having checked that each request came back exactly once and no answer is another request's."""
    pairs = list(model.complete(requests))
    answers = dict(pairs)
    assert len(pairs) == len(answers) == len(requests)
    for request in requests:
        completion = answers[request.request_id]
        assert (completion.failure is None) == (completion.text == f"echo {request.messages[-1].content}")
    return answers


PASSING = {
    "429": status(429, headers={"Retry-After": "0"}),
    "500": status(500),
    "503": status(503),
    "cut body": cut,
    "garbage": raw(b"<html>bad gateway</html>"),
    "NaN": raw(b'{"choices": [{"message": {"content": NaN}}]}'),
    "not UTF-8": raw(b'{"choices": "\xff\xfe"}'),
    "empty body": raw(b""),
    "another shape": raw(b'{"choices": []}'),
    "a list": raw(b"[1, 2]"),
    "nested": raw(b"[" * 200_000),
    "reset": reset,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_a_passing_fault_is_retried_until_the_answer_comes(fault):
    with ChatServer(in_turn(fault, fault)) as server:
        answers = finished(backend(server.url), ask(20))
        assert all(c.failure is None for c in answers.values())
        assert set(server.calls.values()) == {3}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_a_lasting_fault_becomes_a_value(fault):
    with ChatServer(fault) as server:
        answers = finished(backend(server.url, retries=1), ask(3))
        assert {c.failure for c in answers.values()} == {CompletionFailure.TRANSPORT}
        assert all(c.detail for c in answers.values())
        assert set(server.calls.values()) == {2}


def test_a_hung_server_is_a_timeout():
    with ChatServer(hang) as server:
        answers = finished(backend(server.url, retries=1, timeout_seconds=0.2), ask(5))
        assert {c.failure for c in answers.values()} == {CompletionFailure.TIMEOUT}
        assert set(server.calls.values()) == {2}


@pytest.mark.parametrize("code", [301, 400, 403, 413, 422])
def test_what_a_second_try_cannot_mend_is_not_tried_again(code):
    with ChatServer(status(code, "context \x1b[31m too long", {"Location": "http://127.0.0.1:1/"})) as server:
        answers = finished(backend(server.url), ask(3))
        expected = CompletionFailure.TRANSPORT if code == 301 else CompletionFailure.BAD_REQUEST
        assert {c.failure for c in answers.values()} == {expected}
        assert all(f"HTTP {code}" in c.detail and "\x1b" not in c.detail for c in answers.values())
        assert set(server.calls.values()) == {1}


def test_a_huge_body_is_cut_off_and_not_fetched_again():
    with ChatServer(flood(10_000_000)) as server:
        answers = finished(backend(server.url), ask(2))
        assert all("larger than" in c.detail for c in answers.values())
        assert set(server.calls.values()) == {1}


def test_a_storm_of_every_fault_loses_nothing_and_mixes_nothing_up():
    faults = [*PASSING.values(), flood(5_000_000), status(400)]
    draw = random.Random(3)

    async def storm(server, request, body):
        await asyncio.sleep(draw.random() / 50)  # answers come in another order than the questions
        behave = draw.choice(faults) if draw.random() < 0.4 else echo
        return await behave(server, request, body)

    with ChatServer(storm) as server:
        answers = finished(backend(server.url, concurrency=16), ask(300))
        done = sum(c.failure is None for c in answers.values())
        assert done > 200
        assert server.most <= 16


def test_the_window_is_full_and_never_fuller():
    gate = {}

    async def together(server, request, body):
        event = gate.setdefault("event", asyncio.Event())
        if server.active == 8:
            event.set()
        await event.wait()
        return await echo(server, request, body)

    pulled = []

    def source():
        for request in ask(40):
            pulled.append(request)
            yield request

    with ChatServer(together) as server:
        stream = backend(server.url).complete(source())
        next(stream)
        assert len(pulled) == 9  # one waits in the loop for the first free place
        assert len(list(stream)) == 39
        assert server.most == 8


def test_no_server_is_an_error_for_a_person():
    with ChatServer() as server:
        url = server.url
    with pytest.raises(LanguageModelError, match=r"no server answers at .*expected .*fix: start the server"):
        list(backend(url).complete(ask(50)))


@pytest.mark.parametrize(("code", "words"), [(401, "MY_KEY"), (404, "model 'm'")])
def test_a_refused_key_or_model_stops_at_once_and_names_the_fix(code, words, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    with ChatServer(status(code, f"bad key {KEY}")) as server:
        with pytest.raises(LanguageModelError, match=words) as caught:
            list(backend(server.url, api_key_env="MY_KEY").complete(ask(50)))
        assert KEY not in str(caught.value)


def test_the_key_is_sent_and_nothing_else_ever_holds_it(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)

    async def parrot(server, request, body):
        return web.json_response(reply(f"you sent {request.headers['Authorization']}"))

    with ChatServer(parrot) as server:
        model = backend(server.url, api_key_env="MY_KEY")
        ((_, completion),) = model.complete(ask(1))
        assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
        assert completion.text == "you sent Bearer ***"
        assert KEY not in repr(model) + repr(completion) + repr(model.section)


def test_the_request_is_the_one_asked_for():
    seen = []

    async def look(server, request, body):
        seen.append(body)
        return await echo(server, request, body)

    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 5}}, "required": ["a"], "additionalProperties": False}
    with ChatServer(look) as server:
        ((_, completion),) = backend(server.url).complete(ask(1, schema))
    assert seen == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "question 0"}],
            "max_tokens": 64,
            "temperature": 0.0,
            "top_p": 1.0,
            "seed": 7,
            "response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}},
        }
    ]
    assert (completion.served_model, completion.prompt_tokens, completion.completion_tokens) == ("served", 3, 5)
    assert completion.seconds > 0


def test_a_closed_generator_cancels_what_is_under_way():
    with ChatServer(in_turn(then=hang)) as server:

        async def first_answers(server, request, body):
            return await (echo if said(body) == "question 0" else hang)(server, request, body)

        server.behaviour = first_answers
        model = backend(server.url, timeout_seconds=600)
        stream = model.complete(ask(30))
        assert next(stream)[0] == "id0"
        stream.close()
        assert model._loop.call(tasks_left()) == 0
        wait_until(lambda: server.active == 0)
        assert server.gone >= 1
        asked = sum(server.calls.values())
        assert asked <= 9


async def tasks_left():
    return len(asyncio.all_tasks() - {asyncio.current_task()})


def test_ctrl_c_ends_the_wait_and_cancels_what_is_under_way():
    main = threading.main_thread().ident

    async def interrupt(server, request, body):
        if server.active == 8:
            signal.pthread_kill(main, signal.SIGINT)
        return await hang(server, request, body)

    with ChatServer(interrupt) as server:
        with pytest.raises(KeyboardInterrupt):
            list(backend(server.url, timeout_seconds=600).complete(ask(30)))
        wait_until(lambda: server.active == 0)
        assert server.gone == 8


def wait_until(true):
    poll = threading.Event()
    while not true():
        poll.wait(0.01)


def test_one_backend_serves_several_threads():
    with ChatServer() as server:
        model = backend(server.url)
        results = []
        start = threading.Barrier(8)

        def work():
            start.wait()
            results.append(finished(model, ask(20)))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 8


def test_retry_after_is_waited_for_at_least():
    times = []

    async def note(server, request, body):
        times.append(time.monotonic())
        return await in_turn(status(429, headers={"Retry-After": "7"}))(server, request, body)

    with ChatServer(note) as server:
        section = llm.OpenAICompatible(model="m", revision="r", base_url=server.url)
        finished(OpenAICompatibleModel(section, clock=Clock(100)), ask(1))
    assert times[1] - times[0] >= 0.07


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *[(None, 0), ("", 0), ("3", 3), ("2.5", 2.5), ("-4", 0), ("1e9", 0), ("999999", 60), ("nan", 0), ("soon", 0), ("²", 0)],
        *[("Thu, 01 Jan 1970 00:00:30 GMT", 20), ("Thu, 01 Jan 1970 00:00:05 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 60)],
    ],
)
def test_retry_after_header(value, seconds):
    assert retry_after(value, now=10.0) == seconds


def test_addresses_that_hold_secrets_or_are_none_are_refused():
    for url in ("http://user:pass@host/v1", "ftp://host", "host:8000/v1", "http://", "http://host/v1?key=1"):
        with pytest.raises(ValueError, match="base_url"):
            llm.OpenAICompatible(model="m", revision="r", base_url=url)
