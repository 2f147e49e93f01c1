"""Batch files: shards that are the same every time, answers in any order, and lines that are none."""

import json

import pytest

from rubric_factory.errors import LanguageModelError, WorkspaceError
from rubric_factory.ledger import Ledger
from rubric_factory.llm import chat_api
from rubric_factory.llm.batch_files import BatchFilesModel, Counts
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.protocol import CompletionFailure, Request
from rubric_factory.records import Message
from rubric_factory.settings import llm

GOLDEN = (
    '{"body":{"max_tokens":64,"messages":[{"content":"question 0 \\u00e9","role":"user"}],"model":"m","response_format":{"json_schema":'
    '{"name":"reply","schema":{"type":"object"},"strict":true},"type":"json_schema"},"seed":7,"temperature":0.0,"top_p":1.0},'
    '"custom_id":"%s","method":"POST","url":"/v1/chat/completions"}\n'
)


def ask(*numbers):
    return [Request(f"id{i}", (Message("user", f"question {i} é"),), 64, 0.0, 1.0, 7, {"type": "object"}) for i in numbers]


@pytest.fixture
def section(tmp_path):
    made = llm.BatchFiles(model="m", revision="r", requests_dir=tmp_path / "out", responses_dir=tmp_path / "in", shard_requests=4)
    made.responses_dir.mkdir()
    return made


def shards(section):
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(section.requests_dir.glob("*"))}


def line(number, text=None, **changes):
    (request,) = ask(number)
    body = {"choices": [{"message": {"content": text or f"answer {number}"}, "finish_reason": "stop"}], "usage": {"completion_tokens": 2}}
    return {"custom_id": request.key("m", "r"), "response": {"status_code": 200, "body": body}, "error": None} | changes


def answer(section, name, *rows):
    texts = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    (section.responses_dir / name).write_bytes(b"\n".join(texts) + b"\n")


def test_a_line_is_what_batch_services_read(section):
    assert dict(BatchFilesModel(section).complete(ask(0)))["id0"].failure is CompletionFailure.UNANSWERED
    (text,) = shards(section).values()
    assert text == GOLDEN % ask(0)[0].key("m", "r")


def test_shards_are_cut_named_by_content_and_written_once(section, tmp_path):
    answers = dict(BatchFilesModel(section).complete(ask(*range(10))))
    assert {c.failure for c in answers.values()} == {CompletionFailure.UNANSWERED}
    first = shards(section)
    assert sorted(text.count("\n") for text in first.values()) == [2, 4, 4]
    assert len(list(BatchFilesModel(section).complete(ask(*range(10))))) == 10
    assert shards(section) == first
    elsewhere = section.model_copy(update={"requests_dir": tmp_path / "other"})
    list(BatchFilesModel(elsewhere).complete(ask(*range(10))))
    assert shards(elsewhere) == first


def test_only_what_is_new_is_written(section):
    list(BatchFilesModel(section).complete(ask(0, 1)))
    before = shards(section)
    list(BatchFilesModel(section).complete(ask(0, 1, 2)))
    (added,) = [text for name, text in shards(section).items() if name not in before]
    assert added.count("\n") == 1
    assert "question 2" in added


def test_a_request_is_unanswered_only_once_it_lies_on_disk(section):
    drawn = []

    def source():
        for request in ask(*range(12)):
            drawn.append(request)
            yield request

    for request_id, _ in BatchFilesModel(section).complete(source()):
        key = next(r for r in drawn if r.request_id == request_id).key("m", "r")
        assert any(key in text for text in shards(section).values())


def test_answers_in_any_order_partial_twice_and_among_garbage(section):
    model = BatchFilesModel(section)
    list(model.complete(ask(*range(6))))
    answer(section, "b.jsonl", line(3), line(0, "a later file loses"), line(77))
    answer(
        section,
        "a.jsonl",
        b"",
        b"not json",
        b'{"custom_id": 5}',
        b"[1]",
        b"\xff\xfe",
        b'{"custom_id": "x", "response": NaN}',
        line(2),
        line(0),
        line(4, response={"status_code": 500, "body": {"error": "boom"}}),
        line(5, response=None, error={"code": "expired"}),
        line(1, response={"status_code": 200, "body": {"choices": []}}),
        json.dumps(line(1)).encode()[:-20],
        json.dumps(line(1, "x" * chat_api.MAX_REPLY_BYTES)).encode(),
        line(2),
    )
    answers = dict(model.complete(ask(*range(6))))
    assert {key: c.text for key, c in answers.items() if c.failure is None} == {"id0": "answer 0", "id2": "answer 2", "id3": "answer 3"}
    assert {key for key, c in answers.items() if c.failure is CompletionFailure.UNANSWERED} == {"id1", "id4", "id5"}
    assert model.counts == Counts(answers=4, duplicates=2, errors=3, garbage=7)
    assert "4 answers, 2 duplicates, 3 errors, 7 garbage" in answers["id1"].detail


def test_a_later_good_answer_beats_an_earlier_error(section):
    answer(section, "1.jsonl", line(0, response=None, error={"code": "expired"}))
    answer(section, "2.jsonl", line(0))
    assert dict(BatchFilesModel(section).complete(ask(0)))["id0"].text == "answer 0"


def test_a_shard_that_is_deleted_is_written_anew_without_what_is_answered(section):
    list(BatchFilesModel(section).complete(ask(0, 1, 2)))
    for name in shards(section):
        (section.requests_dir / name).unlink()
    answer(section, "a.jsonl", line(1))
    list(BatchFilesModel(section).complete(ask(0, 1, 2)))
    (text,) = shards(section).values()
    assert "question 1" not in text
    assert text.count("\n") == 2


def test_through_the_ledger_waiting_costs_no_attempt_and_answers_outlive_their_files(section, tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for _ in range(5):
            waiting = dict(Paid(BatchFilesModel(section), ledger, give_up_after=2).complete(ask(0, 1)))
            assert {c.failure for c in waiting.values()} == {CompletionFailure.UNANSWERED}
        answer(section, "a.jsonl", line(0), line(1))
        assert dict(Paid(BatchFilesModel(section), ledger).complete(ask(0)))["id0"].text == "answer 0"
        (section.responses_dir / "a.jsonl").unlink()
        again = dict(Paid(BatchFilesModel(section), ledger).complete(ask(0, 1)))
        assert again["id0"].text == "answer 0"
        assert again["id1"].failure is CompletionFailure.UNANSWERED


def test_folders_that_cannot_be_used_are_named(section, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="file"):
        list(BatchFilesModel(section.model_copy(update={"requests_dir": tmp_path / "file" / "out"})).complete(ask(0)))
    (section.responses_dir / "fifo.jsonl").mkdir()  # not a plain file: passed over
    assert len(list(BatchFilesModel(section).complete(ask(0)))) == 1


def test_an_unreadable_answer_file_is_an_error(section, monkeypatch):
    answer(section, "a.jsonl", line(0))
    path = section.responses_dir / "a.jsonl"

    def refuse(self, *arguments, **keywords):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(LanguageModelError, match=r"a\.jsonl: Permission denied"):
        list(BatchFilesModel(section).complete(ask(0)))
