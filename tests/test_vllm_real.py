"""Structured authoring against real vLLM with random weights, over HTTP and in process: valid replies, ledger, resume. `make test-vllm`."""

import contextlib
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import tiny_qwen

from rubric_factory.authoring.authors import open_author
from rubric_factory.authoring.reply import item_model, token_bound
from rubric_factory.ledger import Ledger
from rubric_factory.llm.structured import json_text
from rubric_factory.llm.vllm import structured_outputs
from rubric_factory.records import Passage
from rubric_factory.settings import Settings

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed here: make test-vllm"),
]

PASSAGES = 12
START_SECONDS = 600
WRITING = {
    "min_criteria": 2,
    "max_criteria": 3,
    "question_characters": 200,
    "reference_characters": 300,
    "statement_characters": 60,
    "quote_characters": 60,
    "phrase_characters": 30,
}


def passages():
    for number in range(PASSAGES):
        text = f"Passage {number}. The primary loop of the reactor runs at {300 + number} degrees, because the pump holds its pressure."
        yield Passage(f"p{number}", "d" * 64, "docs/a.pdf", f"s/{number}", "s", number, 0, len(text), 1, 1, text), "A title"


def settings(author):
    """The author's section as a person would write it; temperature 1: each passage draws another reply."""
    common = {"revision": "random", "sampling": {"temperature": 1.0}, "writing": WRITING, "repair_rounds": 0, "weak_answer": False}
    return Settings.model_validate({"name": "real", "seed": 7, "author": {**common, **author}})


def write_all(made, workspace):
    with open_author(made, workspace) as author:
        return {authored.passage_id: authored for authored in author.write(passages())}


def sent(workspace):
    with Ledger(workspace.ledger) as ledger:
        return {row["state"]: (row["calls"], row["sent"]) for row in ledger.summary()}


def check_authored(made, workspace):
    """Every reply keeps the schema; random words quote no passage, so what is refused is refused for its evidence."""
    first = write_all(made, workspace)
    assert set(first) == {f"p{number}" for number in range(PASSAGES)}
    reasons = {rejection.reason for authored in first.values() for rejection in authored.rejections}
    assert not any(authored.pending for authored in first.values())
    assert reasons <= {"evidence_not_verbatim", "invalid_rubric", "nothing_to_ask"}
    assert sent(workspace) == {"answered": (PASSAGES, PASSAGES)}
    check_ledger(made, workspace)
    assert write_all(made, workspace) == first
    assert sent(workspace) == {"answered": (PASSAGES, PASSAGES)}


def check_ledger(made, workspace):
    """The stored answers themselves: complete, valid, below the token bound, with what they cost beside them."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(workspace.ledger)) as connection:
        rows = connection.execute("SELECT text, failure, endpoint, served_model, prompt_tokens, completion_tokens FROM answers").fetchall()
    assert len(rows) == PASSAGES
    assert len({row[0] for row in rows}) > 1
    for text, failure, endpoint, served_model, prompt_tokens, completion_tokens in rows:
        assert failure == ""
        reply = json.loads(json_text(text))
        assert set(reply) == {"tasks"} and len(reply["tasks"]) <= 1
        for task in reply["tasks"]:
            item_model("tasks", made.author.writing).model_validate_json(json.dumps(task))
        assert endpoint and served_model
        assert prompt_tokens > 0
        assert 0 < completion_tokens < token_bound("tasks", made.author.writing)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def served(url):
    """Requests that this server has answered, by its own count."""
    counts = re.findall(r"^vllm:request_success_total\{[^}]*\} ([0-9.e+]+)$", get(f"{url}/metrics"), re.MULTILINE)
    return sum(float(count) for count in counts)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(tiny_qwen.folder())]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port), "--max-model-len", str(tiny_qwen.CONTEXT)]
    # Without chunks for the reason that stands in rubric_factory/llm/vllm.py.
    command += ["--structured-outputs-config", json.dumps(structured_outputs()), "--no-enable-chunked-prefill"]
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    started = time.monotonic()
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ}) as process:
        try:
            while True:
                assert process.poll() is None, log.read_text(errors="replace")[-4000:]
                assert time.monotonic() - started < START_SECONDS, "the server does not come up"
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    get(f"{url}/health")
                    break
                time.sleep(0.5)
            print(f"\nvLLM server up in {time.monotonic() - started:.0f} s")
            yield url
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def test_structured_authoring_over_http(server, workspace):
    made = settings({"type": "openai_compatible", "base_url": f"{server}/v1", "model": "tiny", "concurrency": 8})
    before, started = served(server), time.monotonic()
    check_authored(made, workspace)
    assert served(server) - before == PASSAGES
    print(f"\nover HTTP: {PASSAGES} valid replies, then none asked for, in {time.monotonic() - started:.1f} s")


def test_a_model_the_server_does_not_have_is_an_error_for_a_person(server, workspace):
    from rubric_factory.errors import LanguageModelError

    made = settings({"type": "openai_compatible", "base_url": f"{server}/v1", "model": "huge"})
    with pytest.raises(LanguageModelError, match="does not serve the model 'huge'"):
        write_all(made, workspace)


def test_structured_authoring_in_process(workspace):
    made = settings({"type": "vllm", "model": str(tiny_qwen.folder()), "max_model_len": tiny_qwen.CONTEXT})
    started = time.monotonic()
    check_authored(made, workspace)
    print(f"\nin process: {PASSAGES} valid replies, then none asked for, in {time.monotonic() - started:.1f} s, engine start included")


def test_a_prompt_past_the_context_fails_alone(workspace):
    from rubric_factory.llm.protocol import CompletionFailure, Request
    from rubric_factory.records import Message

    def ask(name, words):
        return Request(name, (Message("user", "reactor " * words),), 16, 0.0, 1.0, 7)

    answers = dict(tiny_qwen.in_process().complete([ask("short", 2), ask("long", 40_000), ask("other", 3)]))
    assert answers["long"].failure is CompletionFailure.BAD_REQUEST
    assert "vLLM refuses the request" in answers["long"].detail
    assert answers["short"].completion_tokens > 0
    assert answers["other"].completion_tokens > 0
