"""Conversations of several steps with a server that fails, through files, and under stops: nothing paid twice, same rows in the end."""

import json
import random
import re
from collections import Counter
from dataclasses import replace

import pytest
from aiohttp import web
from chat_server import ChatServer, reply
from judged_corpus import CountingJudge, hand_made_corpus, install, judged_context
from test_author_stage import PASSAGE_LIST, SCRIPTED, context_of, fill, rows_of, scripted

from rubric_factory import warehouse
from rubric_factory.ledger import Ledger
from rubric_factory.llm.protocol import Request
from rubric_factory.progress import Progress
from rubric_factory.records import Message
from rubric_factory.stages import author as author_module
from rubric_factory.stages.author import author
from rubric_factory.stages.gate import gate
from rubric_factory.stages.judge_gate import judge_gate
from rubric_factory.tables import TASK_NOTES

TABLES = ("tasks", "task_notes", "authored", "rejections")


def said_to(messages: list[dict]) -> str:
    """A model that quotes wrongly at first, and rightly when it is told so."""
    system, user = messages[0]["content"], messages[-1]["content"]
    if "```" not in user:
        return f"Perhaps heat: {user[:40]}"
    passage = re.search(r"```\n(.*?)\n```", user, re.S)[0]
    task = json.loads(scripted(Request("x", (Message("system", ""), Message("user", passage)), 1, 0.0, 1.0, 0)))["tasks"][0]
    if "THE REPAIR" in system:
        assert "not in the passage" in user
        task["criteria"] = [{"number": number, **one} for number, one in enumerate(task["criteria"], start=1)]
        return json.dumps({"tasks": [task]})
    if "Questions alone" in system:
        return json.dumps({"tasks": [{key: task[key] for key in ("question_type", "difficulty", "question")}]})
    if "write its reference answer" in system:
        return json.dumps({"reference_answer": task["reference_answer"]})
    if "write the rubric" in system:
        return json.dumps({"criteria": _misquoted(task)["criteria"]})
    return json.dumps({"tasks": [_misquoted(task)]}) if "THE REPLY" in system else "It is heat, in short."


def _misquoted(task: dict) -> dict:
    """Every second passage, by its words, has a quote that is not there."""
    if len(task["criteria"][0]["evidence"][0]) % 2:
        task["criteria"][0]["evidence"] = ["words that stand nowhere"]
    return task


class Server:
    """Answers well, or fails a share of the calls by a seeded draw. paid: good answers by request."""

    def __init__(self, failing: float = 0.0) -> None:
        self.draw, self.failing, self.paid = random.Random(3), failing, Counter[str]()

    async def __call__(self, server, request, body):
        if self.draw.random() < self.failing:
            return web.Response(status=500, text="out of memory")
        self.paid[json.dumps(body["messages"])] += 1
        return web.json_response(reply(said_to(body["messages"])))


MODES = [{"type": "passage"}, {"type": "passage", "calls": 3}, {"type": "contrast"}]


def context_at(url, folder, mode, **changes):
    section = {"type": "openai_compatible", "base_url": url, "retries": 0, "concurrency": 4, "mode": mode, "give_up_after": 99}
    kept = {k: v for k, v in SCRIPTED.items() if k in ("model", "revision", "writing")}
    context = context_of(folder, **kept | section | changes)
    fill(context, PASSAGE_LIST)
    return replace(context, progress=Progress(context.workspace.progress, quiet=True))


@pytest.mark.parametrize("mode", MODES, ids=["one-call", "three-calls", "contrast"])
def test_a_failing_server_ends_with_the_rows_of_a_good_one_and_no_answer_is_paid_twice(tmp_path, mode):
    good, bad = Server(), Server(failing=0.2)
    with ChatServer(good) as server:
        whole = context_at(server.url, tmp_path / "whole", mode)
        assert author(whole).counts["pending"] == 0
    rows = rows_of(whole, *TABLES)
    notes = rows[1]
    assert len(rows[0]) == 6 and {note["repair_rounds"] for note in notes} == {0, 1}
    assert all(note["weak_answer"].startswith("Perhaps heat") for note in notes) and not rows[3]
    with ChatServer(bad) as server:
        context = context_at(server.url, tmp_path / "bad", mode)
        for _ in range(30):
            if author(context).counts["pending"] == 0:
                break
        assert bad.paid == good.paid and set(bad.paid.values()) == {1}
    found = rows_of(context, *TABLES)
    assert found[:2] == rows[:2] and found[3] == rows[3]
    assert gate(context).counts["passed"] == 6


@pytest.mark.parametrize("after", [1, 3, 5])
def test_stopped_between_passages_of_many_steps_the_next_run_pays_for_the_rest_only(tmp_path, monkeypatch, after):
    answers = Server()
    with ChatServer(answers) as server:
        context = context_at(server.url, tmp_path, {"type": "contrast"})
        added = author_module._Writer.add
        seen = []

        def stops(self, authored):
            seen.append(authored)
            if len(seen) > after:
                raise KeyboardInterrupt
            added(self, authored)

        with monkeypatch.context() as patch:
            patch.setattr(author_module._Writer, "add", stops)
            with pytest.raises(KeyboardInterrupt):
                author(context)
        assert author(context).counts == {"passages": 6 - after, "pending": 0, "written": 6 - after, "tasks": 6}
        # What was under way when the command stopped (4 at once) may be paid again; nothing else is.
        assert sum(count - 1 for count in answers.paid.values()) <= 4
        with Ledger(context.workspace.ledger) as ledger:
            assert {row["state"] for row in ledger.summary()} == {"answered"}


def test_through_files_each_run_takes_every_conversation_one_step_on(tmp_path):
    folders = {"requests_dir": str(tmp_path / "out"), "responses_dir": str(tmp_path / "in")}
    kept = {k: v for k, v in SCRIPTED.items() if k in ("model", "revision", "writing")}
    context = context_of(tmp_path, **kept, type="batch_files", mode={"type": "contrast"}, **folders)
    fill(context, PASSAGE_LIST)
    (tmp_path / "in").mkdir()
    done: dict[str, str] = {}
    sizes = []
    for number in range(9):
        report = author(context)
        if report.counts["pending"] == 0:
            break
        lines = [line for path in sorted((tmp_path / "out").glob("*.jsonl")) for line in path.read_text().splitlines()]
        new = [row for row in map(json.loads, lines) if row["custom_id"] not in done]
        sizes.append(len(new))
        done |= {row["custom_id"]: said_to(row["body"]["messages"]) for row in new}
        bodies = [{"custom_id": r["custom_id"], "response": {"status_code": 200, "body": reply(done[r["custom_id"]])}} for r in new]
        (tmp_path / "in" / f"{number}.jsonl").write_text("".join(json.dumps(body) + "\n" for body in bodies))
    mended = sum(note["repair_rounds"] for note in rows_of(context, "task_notes")[0])
    assert sizes == [6, 6, 12, 6, mended] and 0 < mended < 6 and len(rows_of(context, "tasks")[0]) == 6


def test_other_thresholds_ask_again_and_pay_only_for_what_goes_back_now(tmp_path):
    answers = Server()
    with ChatServer(answers) as server:
        context = context_at(server.url, tmp_path, {"type": "passage"}, weak_answer=False)
        author(context)
        before = answers.paid.total()
        assert author(context).counts["passages"] == 0
        gates = context.settings.gates.model_copy(update={"min_english_share": 0.13})
        report = author(replace(context, settings=context.settings.model_copy(update={"gates": gates})))
        assert report.counts["passages"] == 6 and answers.paid.total() == before


def test_the_judge_gate_grades_the_answer_written_without_the_passage_where_there_is_one(tmp_path, monkeypatch):
    corpus, judge = hand_made_corpus(), install(monkeypatch, CountingJudge())
    context = judged_context(tmp_path)
    corpus.fold(context.workspace)
    first = corpus.tasks[0]
    note = dict.fromkeys(TASK_NOTES.names, "") | {"task_key": first.task_key, "passage_id": first.passage_id, "repair_rounds": 0}
    with warehouse.opened(context.workspace) as house:
        house.fold("task_notes", house.table("task_notes").from_pylist([note | {"weak_answer": "Nobody knows."}], schema=TASK_NOTES))
    judge_gate(context)
    weak = {item.task_id: item.response for item in judge.asked if item.response_id.startswith("weak/")}
    assert weak[first.task_id] == "Nobody knows." and len(weak) == len(corpus.tasks)
    others = [task for task in corpus.tasks if task is not first]
    assert all(task.reference_answer.startswith(weak[task.task_id].rstrip(".…")[:20]) for task in others)
