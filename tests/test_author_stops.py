"""The author against a real server where next to nothing comes back: it stops in time, says why, and loses nothing."""

import json
from dataclasses import replace

import pytest
from aiohttp import web
from chat_server import ChatServer, reply, status
from click.testing import CliRunner
from test_author_stage import PASSAGE_LIST, SCRIPTED, context_of, fill, passage_of, rows_of, scripted

from flows.cli import cli
from rubric_factory.errors import LanguageModelError
from rubric_factory.llm.breaker import SHARE, WINDOW, Breaker
from rubric_factory.llm.protocol import Request
from rubric_factory.progress import Progress
from rubric_factory.records import Message
from rubric_factory.stages.author import author

MANY = [passage_of(n, f"{PASSAGE_LIST[n % 6].text}  Number {n}.") for n in range(60)]
CONCURRENCY = 4
TOO_LARGE = status(400, "max_tokens is too large: 25505 \x1b[31m")


def context_at(server, tmp_path, **changes):
    section = {"type": "openai_compatible", "base_url": server.url, "retries": 0, "concurrency": CONCURRENCY, "stop_after": 20}
    scripted = {name: SCRIPTED[name] for name in ("model", "revision", "writing", "weak_answer") if name in SCRIPTED}
    context = context_of(tmp_path, **scripted | section | changes)
    return replace(context, progress=Progress(context.workspace.progress, quiet=True))


async def good(server, request, body):
    messages = tuple(Message(m["role"], m["content"]) for m in body["messages"])
    return web.json_response(reply(scripted(Request("x", messages, 1, 0.0, 1.0, 0))))


def flawed(bad, every):
    """A server with one bad answer in `every`, the first one good."""

    async def behave(server, request, body):
        server.number = getattr(server, "number", -1) + 1
        return await (bad if server.number % every == every - 1 else good)(server, request, body)

    return behave


async def no_json(server, request, body):
    return web.json_response(reply("I cannot help with that."))


def asked(server) -> int:
    return sum(server.calls.values())


def test_a_server_that_refuses_every_request_ends_the_command_and_costs_no_passage(tmp_path):
    with ChatServer(TOO_LARGE) as server:
        context = context_at(server, tmp_path)
        fill(context, MANY)
        with pytest.raises(LanguageModelError, match=r"none of the first 20 answers.*HTTP 400: max_tokens is too large: 25505") as caught:
            author(context)
        assert 20 <= asked(server) <= 20 + CONCURRENCY and "\x1b" not in str(caught.value)
        assert rows_of(context, "authored", "rejections") == [[], []]
        shown = CliRunner().invoke(cli, ["status", "--workspace", str(context.workspace.root)]).output
        assert "stopped" in shown and "max_tokens is too large: 25505" in shown
        server.behaviour = good
        assert author(context).counts["written"] == len(MANY)


def test_replies_that_are_of_no_use_end_the_command_before_all_are_paid(tmp_path):
    with ChatServer(no_json) as server:
        context = context_at(server, tmp_path)
        fill(context, MANY)
        for run in (1, 2):  # what is paid is a rejection and not asked again: the second run tries others
            with pytest.raises(LanguageModelError, match=r"none of the first 20 answers.*unparseable_reply"):
                author(context)
            assert 20 * run <= asked(server) <= (20 + CONCURRENCY) * run
        # An answer that arrived as the first run stopped is stored; the second run takes it from the ledger, as one more rejection.
        assert 40 <= len(rows_of(context, "rejections")[0]) <= 40 + CONCURRENCY
        server.behaviour = good
        report = author(context)
        assert report.counts["pending"] == 0 and report.counts["tasks"] > 0
        assert max(server.calls.values()) <= 2  # a call that was under way when the command stopped may be paid again


def test_stored_answers_never_end_a_command(tmp_path):
    """Other settings ask again: what the ledger says of an earlier server is no evidence against this one."""
    with ChatServer(no_json) as server:
        context = context_at(server, tmp_path)
        fill(context, MANY)
        with pytest.raises(LanguageModelError):
            author(context)
        server.behaviour = good
        report = author(context_at(server, tmp_path, timeout_seconds=299.0))
        assert report.rejections["unparseable_reply"] >= 20 and report.counts["tasks"] > 0


def test_a_request_refused_for_what_it_is_becomes_a_rejection_and_is_not_asked_again(tmp_path):
    with ChatServer(flawed(TOO_LARGE, 10)) as server:
        context = context_at(server, tmp_path)
        fill(context, MANY)
        report = author(context)
        assert report.rejections == {"bad_request": 6} and report.counts["pending"] == 0
        assert author(context).counts["passages"] == 0 and asked(server) == 60


def test_what_is_pending_says_why(tmp_path):
    with ChatServer(flawed(status(500, "out of memory"), 10)) as server:
        context = context_at(server, tmp_path)
        fill(context, MANY)
        report = author(context)
        assert report.counts["pending"] == 6 and report.last_failure == "transport: HTTP 500: out of memory"
        note = json.loads((context.workspace.progress / "author.json").read_text())["note"]
        assert note == "6 passages have no answer yet; the last failure: transport: HTTP 500: out of memory"
        assert note in CliRunner().invoke(cli, ["status", "--workspace", str(context.workspace.root)]).output
        server.behaviour = good
        assert author(context).last_failure == ""


def outcome(faults: list[bool], stop_after: int = 20) -> int | None:
    """Answers after which a breaker stops; None where it never does."""
    breaker = Breaker("m", stop_after)
    for number, fault in enumerate(faults, start=1):
        try:
            breaker.count("broken" if fault else "")
        except LanguageModelError:
            return number
    return None


def test_the_breaker_stops_exactly_where_it_says():
    assert outcome([True] * 30) == 20 and outcome([True] * 30, stop_after=3) == 3
    assert outcome([True] * 19 + [False]) is None
    assert outcome([False] + [True] * 200) == WINDOW  # 99 of the last 100
    allowed = round(SHARE * WINDOW)
    assert outcome(([True] * 19 + [False]) * 20) is None  # exactly 95 of every 100
    assert outcome([False] * WINDOW + [True] * 200) == WINDOW + allowed + 1
    assert outcome([False] * 500) is None
