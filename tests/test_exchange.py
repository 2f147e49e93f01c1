"""Requests exported, answered and imported in any order, twice, in part: the same tasks as over HTTP, and what is missing is said."""

import io
import json
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from chat_server import ChatServer, reply
from test_author_stage import PASSAGE_LIST, SCRIPTED, context_of, fill, passage_of, rows_of, scripted

from flows.exchange import exchanged, files_model
from rubric_factory.errors import UsageError
from rubric_factory.ledger import Ledger
from rubric_factory.llm.protocol import Request
from rubric_factory.progress import Progress
from rubric_factory.records import Message
from rubric_factory.settings.author import Extractive
from rubric_factory.stages.author import author

MANY = [passage_of(n, f"{PASSAGE_LIST[n % 6].text}  Number {n}.") for n in range(12)]
TABLES = ("tasks", "authored", "rejections")


def said_to(messages) -> str:
    if "```" not in messages[-1]["content"]:  # a weak answer is written without the passage
        return "Perhaps because of heat."
    return scripted(Request("x", tuple(Message(m["role"], m["content"]) for m in messages), 1, 0.0, 1.0, 0))


async def good(server, request, body):
    return web.json_response(reply(said_to(body["messages"])))


def context_at(url, folder, **changes):
    section = {"type": "openai_compatible", "base_url": url, "retries": 0, "concurrency": 4, "weak_answer": False}
    context = context_of(folder, **{k: v for k, v in SCRIPTED.items() if k in ("model", "revision", "writing")} | section | changes)
    fill(context, MANY)
    return replace(context, progress=Progress(context.workspace.progress, quiet=True))


def round_trip(context, export=None, answers=None):
    files = files_model(context.settings.author, export, answers)
    report = author(context, backends=[files])
    return report.counts, exchanged([files], context.workspace, "author")


def answered(line: str) -> str:
    row = json.loads(line)
    body = reply(said_to(row["body"]["messages"]))
    return json.dumps({"custom_id": row["custom_id"], "response": {"status_code": 200, "body": body}, "error": None})


def exported(folder) -> list[str]:
    return [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def over_http(tmp_path_factory):
    with ChatServer(good) as server:
        context = context_at(server.url, tmp_path_factory.mktemp("http"))
        author(context)
        rows = rows_of(context, *TABLES)
        assert len(rows[0]) == len(MANY) and len(server.calls) == len(MANY)
        return SimpleNamespace(rows=rows, url=server.url)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_any_order_twice_and_in_part_the_tasks_are_those_of_http(tmp_path, over_http, seed):
    draw = random.Random(seed)
    context = context_at(over_http.url, tmp_path)
    out, back = tmp_path / "out", tmp_path / "in"
    back.mkdir()
    counts, row = round_trip(context, out)
    assert (counts["pending"], row["exported"], row["missing"]) == (12, 12, 12)
    assert round_trip(context, out)[1]["exported"] == 0, "a second export writes nothing"
    lines = [answered(line) for line in exported(out)]
    draw.shuffle(lines)
    (back / "z-first.jsonl").write_text("\n".join([*lines[:5], lines[0], "no json"]) + "\n")
    for _ in range(2):
        counts, row = round_trip(context, None, back)
        assert row["missing"] == counts["pending"] == 7
    missing = [json.loads(line) for line in Path(row["missing_file"]).read_text().splitlines()]
    assert {one["key"] for one in missing} == {json.loads(line)["custom_id"] for line in lines[5:]}
    assert all(one["subject"] for one in missing)
    draw.shuffle(lines)
    (back / "a-later.jsonl").write_text("\n".join(lines) + "\n")
    counts, row = round_trip(context, None, back)
    assert (counts["pending"], row["taken"], row["missing"], row["garbage"]) == (0, 7, 0, 1)
    assert rows_of(context, *TABLES) == over_http.rows
    counts, row = round_trip(context, out, back)
    assert (counts["passages"], row["exported"], row["taken"], row["not_needed"]) == (0, 0, 0, 0)


def test_error_lines_are_reported_and_cost_no_attempt(tmp_path, over_http):
    context = context_at(over_http.url, tmp_path)
    back = tmp_path / "in"
    back.mkdir()
    round_trip(context, tmp_path / "out")
    lines = exported(tmp_path / "out")
    broken = json.loads(lines[0])["custom_id"]
    error = {"custom_id": broken, "response": None, "error": {"code": "expired", "message": "too late \x1b[2J"}}
    (back / "a.jsonl").write_text("\n".join([json.dumps(error), *map(answered, lines[1:])]) + "\n")
    for _ in range(4):
        counts, row = round_trip(context, None, back)
        assert (counts["pending"], row["missing"], row["errors"]) == (1, 1, 1)
        (first,) = row["missing_first"]
        assert first["key"] == broken and "expired" in first["error"] and "\x1b" not in first["error"]
    with Ledger(context.workspace.ledger) as ledger:
        assert ledger.dead() == [] and {r["state"]: r["calls"] for r in ledger.summary()} == {"answered": 11, "open": 1}
    (back / "b.jsonl").write_text(answered(lines[0]) + "\n")
    round_trip(context, None, back)
    assert rows_of(context, *TABLES) == over_http.rows


def test_what_files_answered_is_not_asked_over_http(tmp_path):
    with ChatServer(good) as server:
        context = context_at(server.url, tmp_path)
        back = tmp_path / "in"
        back.mkdir()
        round_trip(context, tmp_path / "out")
        (back / "a.jsonl").write_text("\n".join(map(answered, exported(tmp_path / "out")[:8])) + "\n")
        assert round_trip(context, None, back)[0]["pending"] == 4
        assert author(context).counts["pending"] == 0 and sum(server.calls.values()) == 4


def test_an_author_that_goes_on_from_an_answer_takes_further_rounds(tmp_path):
    with ChatServer(good) as server:
        plain = context_at(server.url, tmp_path / "http", weak_answer=True)
        author(plain)
        context = context_at(server.url, tmp_path / "files", weak_answer=True)
    out, back = tmp_path / "out", tmp_path / "in"
    back.mkdir()
    for expected in (12, 18):  # some questions are the same, and asked once
        assert round_trip(context, out, back)[0]["pending"] == 12
        assert len(exported(out)) == expected
        (back / "all.jsonl").write_text("\n".join(map(answered, exported(out))) + "\n")
    assert round_trip(context, out, back)[0]["pending"] == 0
    tables = (*TABLES, "task_notes")
    assert rows_of(context, *tables) == rows_of(plain, *tables) and len(rows_of(context, "task_notes")[0]) == 12


def test_an_author_without_a_model_has_no_requests(tmp_path):
    with pytest.raises(UsageError, match=r"'extractive' calls no language model.*fix: leave --export-requests"):
        files_model(Extractive(), tmp_path, None)
    with pytest.raises(UsageError, match="no folder at"):
        files_model(context_of(tmp_path, **SCRIPTED).settings.author, None, tmp_path / "nowhere")


def test_an_author_behind_files_says_what_to_do_while_answers_are_waited_for(tmp_path):
    out, back = tmp_path / "out", tmp_path / "back"
    back.mkdir()
    section = {k: v for k, v in SCRIPTED.items() if k in ("model", "revision", "writing")}
    files = {"type": "batch_files", "requests_dir": out, "responses_dir": back, "weak_answer": False}
    context = context_of(tmp_path, **section | files)
    fill(context, MANY)

    def said() -> tuple[int, str]:
        terminal = io.StringIO()
        report = author(replace(context, progress=Progress(context.workspace.progress, stream=terminal)))
        return report.counts["pending"], terminal.getvalue()

    pending, text = said()
    assert pending == 12
    assert f"12 passages wait for answers: have the *.jsonl files answered ({out}, answers into {back}), then run the same command" in text
    (back / "all.jsonl").write_text("\n".join(map(answered, exported(out))) + "\n")
    pending, text = said()
    assert pending == 0 and "wait for answers" not in text
