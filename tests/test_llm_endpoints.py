"""Several servers, outages and limits, on a clock that runs faster than ours: work moves, waits and comes back; nobody is blamed."""

import logging
import threading
import time

import pytest
from aiohttp import web
from chat_server import ChatServer, echo, reply, status
from test_llm_openai_compatible import ask, finished, tasks_left, wait_until

from rubric_factory.errors import LanguageModelError
from rubric_factory.ledger import Ledger
from rubric_factory.llm.chat_http import proxy_of
from rubric_factory.llm.limits import Clock
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.settings import llm

SCALE = 600
TEN_MINUTES = 600.0


def fleet(*endpoints, scale=SCALE, **changes):
    made = tuple(one if isinstance(one, llm.Endpoint) else llm.Endpoint(url=one) for one in endpoints)
    keywords = {"retries": 1, "timeout_seconds": 5, "concurrency": 8} | changes
    return OpenAICompatibleModel(llm.OpenAICompatible(model="m", revision="r", endpoints=made, **keywords), clock=Clock(scale))


def all_good(model, requests):
    answers = finished(model, requests)
    assert [c.detail for c in answers.values() if c.failure is not None] == []
    return answers


def after(count, then, first=echo):
    """`first` for so many calls, then `then`."""

    async def behave(server, request, body):
        return await (first if sum(server.calls.values()) <= count else then)(server, request, body)

    return behave


def test_a_server_down_for_ten_minutes_is_waited_for_and_no_request_is_blamed(caplog):
    """The process is gone: connections are refused. What was under way is sent again, the rest waits."""
    down = ChatServer().__enter__()
    model = fleet(down.url, retries=1)
    stream = model.complete(ask(200))
    answers = dict([next(stream)])
    down.stop()
    back = ChatServer(port=down.port)
    threading.Timer(TEN_MINUTES / SCALE, back.__enter__).start()
    try:
        answers |= dict(stream)
    finally:
        wait_until(lambda: back._thread.is_alive())
        back.stop()
    assert len(answers) == 200
    assert all(c.failure is None and c.text == f"echo question {i[2:]}" for i, c in answers.items())
    said = [record.getMessage() for record in caplog.records if record.name == "rubric_factory.llm"]
    assert any("set aside" in line and "paused" in line and down.url in line for line in said)
    assert any("answers again after" in line for line in said)


def test_a_proxy_without_a_server_behind_it_is_an_outage_too():
    """503 to everything, /models included, for ten minutes, at no retry at all: nothing is charged."""
    with ChatServer(after(20, status(503))) as server:
        model = fleet(server.url, retries=0)

        def recover():
            server.behaviour, server.models = echo, 200

        async def fail(_, request, body):
            server.models = 503
            return web.Response(status=503)

        server.behaviour = after(20, fail)
        threading.Timer(TEN_MINUTES / SCALE, recover).start()
        all_good(model, ask(100))
        assert server.looks > 5


def test_503_from_a_server_that_is_there_is_a_failure_of_the_request():
    with ChatServer(after(5, status(503))) as server:
        answers = finished(fleet(server.url, retries=1), ask(10))
        assert sum(c.failure is not None for c in answers.values()) == 5


def test_a_server_that_stays_silent_ends_the_command_and_the_next_run_goes_on(tmp_path):
    down = ChatServer().__enter__()
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        model = Paid(fleet(down.url, outage_seconds=120), ledger)
        stream = model.complete(ask(40))
        next(stream)
        down.stop()
        with pytest.raises(LanguageModelError, match=r"has not answered for .* outage_seconds = 120"):
            list(stream)
        assert {row["state"] for row in ledger.summary()} <= {"answered", "open"}
        with ChatServer(port=down.port) as back:
            answers = dict(Paid(fleet(back.url), ledger).complete(ask(40)))
            assert all(c.failure is None for c in answers.values())
            assert len(answers) == 40
            assert sum(back.calls.values()) < 40


def test_an_absent_server_among_others_is_set_aside_and_comes_in_later(caplog):
    with ChatServer() as late:
        pass
    with ChatServer() as there:
        model = fleet(late.url, there.url)
        all_good(model, ask(60))
        assert sum(there.calls.values()) == 60
        assert any("1 others go on" in record.getMessage() for record in caplog.records)
        with ChatServer(port=late.port) as now_here:
            wait_until(lambda: all_good(model, ask(30)) and sum(now_here.calls.values()) > 0)


def test_servers_share_the_work_by_weight():
    """Each answers only when as many requests wait as its window lets in."""
    with ChatServer() as light, ChatServer() as heavy:
        model = fleet(llm.Endpoint(url=light.url, weight=0.5), llm.Endpoint(url=heavy.url, weight=2.0))
        release = threading.Event()

        async def hold(server, request, body):
            while not release.is_set():
                await tick()
            return await echo(server, request, body)

        light.behaviour = heavy.behaviour = hold
        threading.Thread(target=lambda: (wait_until(lambda: (light.most, heavy.most) == (4, 16)), release.set())).start()
        all_good(model, ask(100))
        assert (light.most, heavy.most) == (4, 16)


async def tick():
    import asyncio

    await asyncio.sleep(0.005)


def test_work_moves_away_from_a_server_that_dies_and_back_when_it_returns():
    with ChatServer() as other:
        dying = ChatServer().__enter__()
        model = fleet(dying.url, other.url)
        stream = model.complete(ask(200))
        answers = dict([next(stream)])
        dying.stop()
        answers |= dict(stream)
        assert len(answers) == 200
        assert all(c.failure is None for c in answers.values())
        with ChatServer(port=dying.port) as back:
            wait_until(lambda: all_good(model, ask(30)) and sum(back.calls.values()) > 0)


def test_a_server_that_is_there_but_fails_everything_gets_little_of_the_work():
    """It fails at once, and so would take every request first: a black hole."""

    async def steady(server, request, body):
        await tick()
        return await echo(server, request, body)

    with ChatServer(status(500)) as bad, ChatServer(steady) as good:
        all_good(fleet(bad.url, good.url, scale=10, retries=4), ask(300))
        assert sum(bad.calls.values()) < 60
        assert sum(good.calls.values()) == 300


def test_a_key_that_is_revoked_on_the_way_moves_the_work_elsewhere():
    with ChatServer(after(10, status(401))) as revoked, ChatServer() as good:
        all_good(fleet(revoked.url, good.url, scale=10, retries=4), ask(200))
        assert sum(good.calls.values()) >= 190
        assert sum(revoked.calls.values()) < 60


def test_a_window_finds_what_a_server_admits_and_no_request_runs_out_of_tries():
    """Six at once, the seventh is refused: with one retry, and eight times as many allowed."""

    async def six(server, request, body):
        if server.active > 6:
            return web.Response(status=429)
        await tick()
        return await echo(server, request, body)

    with ChatServer(six) as server:
        model = fleet(server.url, concurrency=48, retries=2)
        all_good(model, ask(300))
        assert model.fleet.endpoints[0].window.limit < 24
        assert sum(server.calls.values()) < 600


def arrivals(requests, **limits):
    """Times of arrival at the server, in seconds of the scaled clock since the call."""
    times = []

    async def note(server, request, body):
        times.append(time.monotonic() * SCALE)
        made = reply("echo " + body["messages"][-1]["content"])
        made["usage"] = {"prompt_tokens": 400, "completion_tokens": 600}
        return web.json_response(made)

    with ChatServer(note) as server:
        model, started = fleet(server.url, **limits), time.monotonic() * SCALE
        all_good(model, requests)
    return [at - started for at in times]


def test_no_more_requests_a_minute_than_allowed():
    times = arrivals(ask(120), requests_per_minute=120)
    assert len(times) == 120
    assert times[-1] >= 59  # two a second, the first two at once; whatever slows the way makes it later, never earlier


def test_no_more_tokens_a_minute_than_allowed():
    """1,000 tokens a request, 60,000 a minute: one a second, however little the server was expected to count."""
    times = arrivals(ask(60), tokens_per_minute=60_000)
    assert times[-1] > 45


def test_each_server_is_shown_its_own_key(monkeypatch):
    monkeypatch.setenv("KEY_A", "sk-a-0123456789")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-b-0123456789")
    with ChatServer() as a, ChatServer() as b:
        all_good(fleet(llm.Endpoint(url=a.url, api_key_env="KEY_A"), b.url), ask(60))
        assert {headers["Authorization"] for headers in a.headers} == {"Bearer sk-a-0123456789"}
        assert {headers["Authorization"] for headers in b.headers} == {"Bearer sk-b-0123456789"}


def test_a_refused_key_names_its_server_and_variable():
    with ChatServer() as a, ChatServer(status(401)) as b:
        model = fleet(a.url, llm.Endpoint(url=b.url, api_key_env="KEY_B"))
        with pytest.raises(LanguageModelError, match=f"{b.url} refuses the key .*KEY_B"):
            list(model.complete(ask(60)))


def test_answers_say_which_server_gave_them(tmp_path):
    with ChatServer() as a, ChatServer() as b:
        answers = all_good(fleet(a.url, b.url), ask(60))
        assert {c.endpoint for c in answers.values()} == {a.url, b.url}


def test_nothing_is_left_running_after_a_call_with_a_server_set_aside():
    with ChatServer() as gone:
        pass
    with ChatServer() as there:
        model = fleet(gone.url, there.url)
        all_good(model, ask(30))
        wait_until(lambda: model._loop.call(tasks_left()) == 0)
        assert model._loop.call(tasks_left()) == 0


def test_the_schema_is_not_sent_where_the_server_refuses_it():
    bodies = []

    async def look(server, request, body):
        bodies.append(body)
        return await echo(server, request, body)

    with ChatServer(look) as server:
        all_good(fleet(server.url, response_format=False), ask(1, {"type": "object"}))
    assert "response_format" not in bodies[0]


def test_a_proxy_is_used_where_the_environment_names_one(monkeypatch):
    with ChatServer() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "inside.invalid")
        all_good(fleet("http://model.invalid/v1"), ask(3))
        assert {headers["Host"] for headers in proxy.headers} == {"model.invalid"}
    assert proxy_of("http://inside.invalid/v1") is None
    assert proxy_of("http://localhost:8000/v1") is None
    assert proxy_of("http://127.0.0.9/v1") is None
    assert proxy_of("http://[::1]:8000/v1") is None


@pytest.mark.parametrize("names", [{}, {"base_url": "http://a/v1", "endpoints": [{"url": "http://b/v1"}]}])
def test_an_address_is_written_in_exactly_one_way(names):
    with pytest.raises(ValueError, match="either base_url or endpoints"):
        llm.OpenAICompatible(model="m", revision="r", **names)


def test_the_same_server_twice_is_refused():
    with pytest.raises(ValueError, match="same url twice"):
        llm.OpenAICompatible(model="m", revision="r", endpoints=[{"url": "http://a/v1"}, {"url": "http://a/v1/"}])


@pytest.fixture(autouse=True)
def notes(caplog):
    caplog.set_level(logging.WARNING, "rubric_factory.llm")
