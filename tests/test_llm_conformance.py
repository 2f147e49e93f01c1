"""One suite for every backend: whatever is behind the protocol, each request comes back exactly once, with its own answer."""

import importlib.util
import json

import pytest
import tiny_qwen
from aiohttp import web
from chat_server import ChatServer, reply

from rubric_factory.ledger import Ledger
from rubric_factory.llm.batch_files import BatchFilesModel
from rubric_factory.llm.local import LocalModel
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.protocol import Backend, CompletionFailure, Request
from rubric_factory.llm.scripted import ScriptedModel
from rubric_factory.llm.vllm import VllmModel
from rubric_factory.records import Message
from rubric_factory.settings import llm

NAME = {"model": "m", "revision": "r"}
MOST = 37
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "minLength": 1, "maxLength": 40}},
    "required": ["answer"],
    "additionalProperties": False,
}


def ask(count, schema=None):
    return [Request(f"id{i}", (Message("system", "s"), Message("user", f"question {i}")), 120, 0.0, 1.0, 7, schema) for i in range(count)]


def expected(request):
    text = f"echo {request.messages[-1].content}"
    return json.dumps({"answer": text}) if request.schema else text


def answer_body(body):
    text = "echo " + body["messages"][-1]["content"]
    return reply(json.dumps({"answer": text}) if "response_format" in body else text)


async def serve(server, request, body):
    return web.json_response(answer_body(body))


def answered_files(folder):
    """A batch service's work: every request that can be asked here is exported and answered, the lines in another order."""
    section = llm.BatchFiles(**NAME, requests_dir=folder / "out", responses_dir=folder / "in", shard_requests=10)
    list(BatchFilesModel(section).complete([*ask(MOST), *ask(MOST, SCHEMA)]))
    rows = [json.loads(line) for path in sorted(section.requests_dir.iterdir()) for line in path.read_text().splitlines()]
    made = [{"custom_id": row["custom_id"], "response": {"status_code": 200, "body": answer_body(row["body"])}} for row in rows]
    section.responses_dir.mkdir()
    (section.responses_dir / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in reversed(made)))
    return section


@pytest.fixture(params=["openai_compatible", "batch_files", "scripted", "local", pytest.param("vllm", marks=pytest.mark.vllm)])
def backend(request, tmp_path):
    if request.param == "openai_compatible":
        with ChatServer(serve) as server:
            yield OpenAICompatibleModel(llm.OpenAICompatible(**NAME, base_url=server.url, concurrency=4))
    elif request.param == "batch_files":
        yield BatchFilesModel(answered_files(tmp_path))
    elif request.param == "scripted":
        yield ScriptedModel(llm.Scripted(**NAME, function="test_llm_conformance:expected"))
    elif request.param == "local":
        pytest.importorskip("llguidance", reason="the extra [local] is not installed here")
        yield tiny_qwen.local()
    else:
        if importlib.util.find_spec("vllm") is None:
            pytest.skip("vLLM is not installed here: make test-vllm")
        yield tiny_qwen.in_process()


def check(backend, request, completion):
    """The answer is this request's own; random weights cannot echo, so of a real model it is only asked that it wrote something."""
    if isinstance(backend, LocalModel | VllmModel):
        assert completion.failure in (None, CompletionFailure.TRUNCATED)
        assert completion.completion_tokens > 0
        assert completion.prompt_tokens > 0
    else:
        assert completion.failure is None
        assert completion.text == expected(request)


@pytest.mark.parametrize("count", [0, 1, MOST])
def test_every_request_comes_back_once_with_its_own_answer(backend, count):
    requests = ask(count)
    pairs = list(backend.complete(iter(requests)))
    answers = dict(pairs)
    assert len(pairs) == len(answers) == count
    for request in requests:
        check(backend, request, answers[request.request_id])


def test_a_structured_reply_follows_its_schema(backend):
    for _, completion in backend.complete(ask(5, SCHEMA)):
        assert completion.failure is None
        value = json.loads(completion.text, strict=False)
        assert list(value) == ["answer"]
        assert 1 <= len(value["answer"]) <= 40


def test_none_hands_control_back_before_the_next_request_is_drawn(backend):
    drawn = []

    def source():
        for item in [None, *ask(2), None, None]:
            drawn.append(item)
            yield item

    stream = backend.batches(source())
    assert next(stream) == []
    assert drawn == [None]
    assert sorted(request_id for ready in stream for request_id, _ in ready) == ["id0", "id1"]


def test_a_closed_generator_leaves_the_backend_usable(backend):
    stream = backend.complete(ask(MOST))
    next(stream)
    stream.close()
    assert len(list(backend.complete(ask(3)))) == 3


def test_it_says_who_it_is(backend):
    assert isinstance(backend, Backend)
    assert backend.revision == "r"
    assert backend.endpoint
    assert backend.model


class Nobody(Backend):
    """A backend that must not be asked."""

    def batches(self, requests):
        for request in requests:
            assert request is None, "a stored answer was paid for again"
            yield []


def test_behind_the_ledger_a_second_run_asks_nobody(backend, tmp_path):
    requests = [*ask(5), *[Request(f"twin {r.request_id}", r.messages, 120, 0.0, 1.0, 7) for r in ask(5)]]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        first = dict(Paid(backend, ledger).complete(requests))
        assert len(first) == 10
        assert all(first[f"id{i}"] == first[f"twin id{i}"] for i in range(5))
        again = Paid(Nobody(backend.model, backend.revision, "nowhere"), ledger)
        assert dict(again.complete(requests)) == first
