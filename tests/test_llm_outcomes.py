"""The second half of the conformance suite: what a model may do wrong has one outcome behind every backend, and out of the ledger."""

import json

import fake_vllm
import pytest
import tiny_qwen
from aiohttp import web
from chat_server import ChatServer, reply
from pydantic import BaseModel, ConfigDict, ValidationError

from rubric_factory.ledger import Ledger
from rubric_factory.llm.batch_files import BatchFilesModel
from rubric_factory.llm.chat_api import MAX_REPLY_BYTES
from rubric_factory.llm.limits import Clock
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.protocol import Completion, CompletionFailure, Request
from rubric_factory.llm.scripted import ScriptedModel
from rubric_factory.llm.structured import json_text
from rubric_factory.llm.vllm import VllmModel
from rubric_factory.records import Message
from rubric_factory.settings import llm

NAME = {"model": "m", "revision": "r"}
UNICODE = "naïve 日本語 🧪 e\u0301 \u202eRTL\u202c \u2028 ½µm²"
HUGE = "x" * 1_000_000


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    answer: str


def said(answer):
    return json.dumps({"answer": answer}, ensure_ascii=False)


# What the model writes; finish_reason "length" where it was cut.
TEXTS = {
    "good": (said("fine"), "stop"),
    "truncated": ('{"answer": "half a', "length"),
    "wrong schema": ('{"answer": 7}', "stop"),
    "extra key": ('{"answer": "a", "more": 1}', "stop"),
    "prose": ("Sure! Here is the JSON.", "stop"),
    "NaN": ('{"answer": NaN}', "stop"),
    "empty": ("", "stop"),
    "unicode": (said(UNICODE), "stop"),
    "lone surrogate": ('{"answer": "a\ud800b"}', "stop"),
    "tab in a string": ('{"answer": "a\tb"}', "stop"),
    "huge": (said(HUGE), "stop"),
}
# What only a server, or a file, can do.
REFUSAL = reply(None) | {"choices": [{"message": {"content": None, "refusal": "I will not"}, "finish_reason": "stop"}]}
WIRE = {
    "refusal": json.dumps(REFUSAL).encode(),
    "NaN around it": b'{"choices": [{"message": {"content": "text"}}], "usage": {"prompt_tokens": NaN}}',
    "larger than any reply": json.dumps(reply("x" * MAX_REPLY_BYTES)).encode(),
    "another shape": b'{"choices": []}',
}
EXPECTED = {
    "good": ("done", "fine"),
    "truncated": ("truncated", ""),
    "wrong schema": ("refused reply", ""),
    "extra key": ("refused reply", ""),
    "prose": ("refused reply", ""),
    "NaN": ("refused reply", ""),
    "empty": ("refused reply", ""),
    "unicode": ("done", UNICODE),
    "lone surrogate": ("done", "a\ufffdb"),
    "tab in a string": ("done", "a b"),
    "huge": ("done", HUGE),
    "refusal": ("refused", ""),
    "NaN around it": ("no answer", ""),
    "larger than any reply": ("no answer", ""),
    "another shape": ("no answer", ""),
}
NO_ANSWER = (CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT, CompletionFailure.UNANSWERED)


def ask(case):
    return Request(case, (Message("system", "s"), Message("user", case)), 120, 0.0, 1.0, 7, Answer.model_json_schema())


def outcome(completion):
    """What becomes of a completion, as author and judge see it: strict validation, whatever a server promised."""
    if completion.failure is not None:
        return ("no answer" if completion.failure in NO_ANSWER else str(completion.failure)), ""
    try:
        return "done", Answer.model_validate_json(json_text(completion.text)).answer
    except ValidationError:
        return "refused reply", ""


def wire(case):
    """The bytes of a reply to a case."""
    if case in WIRE:
        return WIRE[case]
    text, finish = TEXTS[case]
    made = reply(text)
    made["choices"][0]["finish_reason"] = finish
    return json.dumps(made).encode()


def script(request):
    """The scripted backend's part: text, or a Completion where a server would have failed."""
    case = request.messages[-1].content
    if case in WIRE:
        return Completion(failure=CompletionFailure.REFUSED if case == "refusal" else CompletionFailure.TRANSPORT, detail=case)
    text, finish = TEXTS[case]
    return text if finish == "stop" else Completion(text=text, failure=CompletionFailure.TRUNCATED)


async def serve(server, request, body):
    return web.Response(body=wire(body["messages"][-1]["content"]), content_type="application/json")


def answered_files(folder, cases):
    section = llm.BatchFiles(**NAME, requests_dir=folder / "out", responses_dir=folder / "in", shard_requests=4)
    list(BatchFilesModel(section).complete(map(ask, cases)))
    rows = [json.loads(line) for path in sorted(section.requests_dir.iterdir()) for line in path.read_text().splitlines()]
    section.responses_dir.mkdir()
    with (section.responses_dir / "answers.jsonl").open("wb") as out:
        for row in reversed(rows):
            name, body = row["custom_id"].encode(), wire(row["body"]["messages"][-1]["content"])
            out.write(b'{"custom_id": "%s", "response": {"status_code": 200, "body": %s}}\n' % (name, body))
    return section


@pytest.fixture(params=["openai_compatible", "batch_files", "scripted", "vllm"])
def opened(request, tmp_path, monkeypatch):
    """(backend, cases it can meet). vLLM in process knows neither refusals nor wires."""
    if request.param == "openai_compatible":
        with ChatServer(serve) as server:
            section = llm.OpenAICompatible(**NAME, base_url=server.url, concurrency=4, retries=1)
            yield OpenAICompatibleModel(section, clock=Clock(1000)), [*EXPECTED]
    elif request.param == "batch_files":
        yield BatchFilesModel(answered_files(tmp_path, EXPECTED)), [*EXPECTED]
    elif request.param == "scripted":
        yield ScriptedModel(llm.Scripted(**NAME, function="test_llm_outcomes:script")), [*EXPECTED]
    else:
        fake_vllm.install(monkeypatch, lambda messages, sampling: TEXTS[messages[-1]["content"]])
        yield VllmModel(llm.Vllm(**NAME)), [*TEXTS]


def test_the_same_request_comes_to_the_same_outcome(opened):
    backend, cases = opened
    answers = dict(backend.complete(map(ask, cases)))
    assert {case: outcome(answers[case]) for case in cases} == {case: EXPECTED[case] for case in cases}


def test_and_the_same_out_of_the_ledger(opened, tmp_path):
    """Whatever was answered comes back as it was; what was not is asked again, and dead in the end, with a reason."""
    backend, cases = opened
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        runs = [dict(Paid(backend, ledger, give_up_after=2).complete(map(ask, cases))) for _ in range(3)]
    for case in cases:
        assert outcome(runs[0][case]) == EXPECTED[case]
        if EXPECTED[case][0] != "no answer":
            assert outcome(runs[2][case]) == EXPECTED[case]
            assert runs[1][case].stored and runs[2][case].stored
        elif runs[0][case].failure is not CompletionFailure.UNANSWERED:
            assert runs[2][case].failure is CompletionFailure.GIVEN_UP
            assert runs[2][case].detail


def test_vllm_is_started_as_the_settings_say(monkeypatch):
    engines = fake_vllm.install(monkeypatch, lambda messages, sampling: ("text", "stop"))
    section = llm.Vllm(**NAME, max_model_len=4096, tensor_parallel_size=2, prefix_caching=False, structured_outputs="xgrammar")
    ((_, completion),) = VllmModel(section).complete([ask("good")])
    keywords = engines[0].keywords
    assert (keywords["model"], keywords["revision"], keywords["tokenizer_revision"]) == ("m", "r", "r")
    assert (keywords["max_model_len"], keywords["tensor_parallel_size"], keywords["enable_prefix_caching"]) == (4096, 2, False)
    assert keywords["structured_outputs_config"] == {"backend": "xgrammar", "disable_any_whitespace": True}
    assert (completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens) == (3, 2, 5)


def test_vllm_takes_whole_batches_in_order_and_a_refused_request_fails_alone(monkeypatch):
    fake_vllm.install(monkeypatch, lambda messages, sampling: ("echo " + messages[-1]["content"], "stop"))
    names = [f"q{number}" for number in range(1200)]
    names[700] = "x" * 200_000
    requests = [Request(str(n), (Message("user", name),), 8, 0.0, 1.0, 7) for n, name in enumerate(names)]
    backend = VllmModel(llm.Vllm(**NAME))
    sizes = [len(ready) for ready in backend.batches(iter(requests))]
    assert sizes == [512, 512, 176]
    answers = dict(backend.complete(requests))
    assert answers.pop("700").failure is CompletionFailure.BAD_REQUEST
    assert all(completion.text == f"echo {names[int(n)]}" for n, completion in answers.items())


@pytest.mark.vllm
def test_real_vllm_in_process():
    """Random weights: what they write cannot be chosen, how it ends can."""
    pytest.importorskip("vllm", reason="vLLM is not installed here: make test-vllm")
    bounded = {"type": "object", "properties": {"answer": {"type": "string", "maxLength": 40}}, "required": ["answer"]}
    bounded["additionalProperties"] = False

    def request(name, text, tokens, schema=bounded):
        return Request(name, (Message("user", text),), tokens, 1.0, 1.0, 7, schema)

    requests = [
        request("good", "question", 300),
        request("truncated", "question", 2),
        request("unicode", UNICODE, 300),
        request("empty", "", 300),
        request("past the context", "reactor " * 40_000, 16),
    ]
    backend = tiny_qwen.in_process()
    answers = dict(backend.complete(requests))
    assert {name: outcome(completion)[0] for name, completion in answers.items()} == {
        "good": "done",
        "truncated": "truncated",
        "unicode": "done",
        "empty": "done",
        "past the context": "bad_request",
    }
    assert answers["good"].engine.startswith("vllm")
    assert dict(backend.complete(requests[:1]))["good"].text == answers["good"].text
