"""`judge serve`: a real server on 127.0.0.1, callers good and bad, a judge that fails, and the process with its token and its end."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from aiohttp import web
from training_case import tiny_spec

from flows import cli, judge_server
from rubric_factory.errors import BlockedError, LanguageModelError
from rubric_factory.grading import Grade, Grader, open_grader
from rubric_factory.judging.gathered import Full, Gathered
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import JudgeFailure, Judgement
from rubric_factory.rewards_for_trainers import TOKEN, Remote

SECRET = "a-token-of-many-characters"


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return tiny_spec(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def grader(spec):
    return open_grader(spec.dataset, lock=spec.lock)


class Judge:
    """The real judge, or what a test wants of it; batches: the size of each."""

    evidence_grade = "demo"

    def __init__(self, real, spoil=None):
        self._real, self.identity, self.spoil, self.batches = real, real.identity, spoil, []
        self.active = self.most = 0
        self.go = threading.Event()
        self.go.set()

    def grade_many(self, batch):
        self.active += 1
        self.most = max(self.most, self.active)
        self.batches.append(len(batch))
        self.go.wait(20)
        try:
            return self.spoil(batch) if self.spoil else self._real.grade_many(batch)
        finally:
            self.active -= 1


def failing(failure):
    return lambda batch: [Judgement(i.task_id, i.response_id, (), "x", failure) for i in batch]


class Served:
    """A JudgeServer in a thread of its own."""

    def __init__(self, grader, spoil=None, **gathered):
        self.judge = Judge(grader.judge, spoil)
        mine = Grader(grader.version, grader.tasks, self.judge, grader.lock)
        self.server = judge_server.JudgeServer(mine, Gathered(self.judge, **gathered), SECRET)
        self._loop, self._up = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self.server.application(), handler_cancellation=True, access_log=None, shutdown_timeout=1)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._up.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())

    def __enter__(self):
        self._thread.start()
        assert self._up.wait(20)
        return self

    def __exit__(self, *_):
        self.judge.go.set()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self.server.gathered.close()

    def ask(self, path="/v1/grade", body=None, token=SECRET, scheme="Bearer", method=None):
        """(status, decoded JSON, headers) of one plain request."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        if token is not None:
            request.add_header("Authorization", f"{scheme} {token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return reply.status, json.loads(reply.read()), reply.headers
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read()), error.headers


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv(TOKEN, SECRET)


def answers_of(grader, count=6):
    """(task_id, response): references, and answers that say nothing."""
    tasks = [graded.task for graded in grader.tasks.values()][:count]
    return [(task.task_id, task.reference_answer if n % 2 else "Nobody knows.") for n, task in enumerate(tasks)]


def remote(served, **changes):
    return Remote(served.url, backoff_seconds=0.01, **changes)


def test_answers_over_http_earn_what_they_earn_in_process(grader, token):
    answers = answers_of(grader)
    with Served(grader) as served:
        found = asyncio.run(remote(served).grade(answers))
        strict = asyncio.run(remote(served, aggregation="all_pass", lock=grader.lock.digest).grade(answers))
        _, row, _ = served.ask("/v1/judge")
    assert found == grader.grade(answers)
    assert {grade.outcome for grade in found} == {"graded"} and len({grade.reward for grade in found}) > 1
    assert [v["criterion_key"] for v in found[0].verdicts] == [c.criterion_key for c in grader.tasks[answers[0][0]].task.rubric.criteria]
    assert [grade.reward for grade in strict] == [float(grade.reward == 1.0) for grade in found]
    assert row["outcomes"] == {"graded": 12} and row["lock"] == grader.lock.digest and row["waiting"] == 0


@pytest.mark.parametrize("path", ["/v1/grade", "/v1/judge", "/nowhere"])
@pytest.mark.parametrize(
    ("sent", "scheme"), [(None, "Bearer"), ("wrong", "Bearer"), (SECRET, "Basic"), (SECRET + "x", "Bearer"), ("", "Bearer")]
)
def test_without_the_token_there_is_nothing(grader, path, sent, scheme):
    with Served(grader) as served:
        code, row, headers = served.ask(path, body={"answers": []} if path == "/v1/grade" else None, token=sent, scheme=scheme)
        assert (code, headers["WWW-Authenticate"], served.judge.batches) == (401, "Bearer", []) and row["status"] == 401
        assert served.ask("/health", token=None)[:2] == (200, {"status": "ok"})


BAD = [
    b"", b"not json", b"[]", b"\xff\xfe", b'{"answers": []}', b'{"answers": {}}', b'{"answers": [1]}', b'{"answers": [{"task_id": "a"}]}',
    b'{"answers": [{"task_id": 1, "response": "x"}]}', b'{"answers": [{"task_id": "a", "response": null}]}', b"[" * 100_000,
    b'{"answers": [{"task_id": "nowhere", "response": "x"}]}', b'{"answers": [{"task_id": "nowhere", "response": "x"}], "weights": 1}',
]  # fmt: skip


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_a_bad_request_is_an_error_in_json_and_reaches_no_judge(grader, body):
    with Served(grader) as served:
        code, row, _ = served.ask(body=body)
        assert code == 400 and set(row) == {"error", "status"} and served.judge.batches == []


def test_every_other_refusal_is_json_too(grader, monkeypatch):
    good = {"answers": [{"task_id": answers_of(grader)[0][0], "response": "x"}]}
    monkeypatch.setattr(judge_server, "MAX_BODY_BYTES", 2000)
    with Served(grader) as served:
        assert served.ask("/nowhere")[:2] == (404, {"error": "Not Found", "status": 404})
        assert served.ask("/v1/grade")[0] == 405
        assert served.ask(body=b" " * 4000)[0] == 413
        assert served.ask(body={**good, "aggregation": "median"})[0] == 400
        assert served.ask(body={**good, "lock": "0" * 64})[0] == 409
        assert served.judge.batches == [] and served.ask(body=good)[0] == 200


def test_hostile_text_is_graded_like_any_other(grader):
    task_id = answers_of(grader)[0][0]
    texts = ["\ud800 lone", "\x00", "", "x" * 9000, '{"c1": {"level": 9}}', "</s>" * 50]
    with Served(grader) as served:
        code, row, _ = served.ask(body={"answers": [{"task_id": task_id, "response": text} for text in texts]})
    assert code == 200 and [result["reward"] for result in row["results"]] == [0.0] * 6
    assert [result["outcome"] for result in row["results"]].count("over_length") == 1


def test_a_judge_that_fails_gives_null_never_zero(grader, token):
    answers = answers_of(grader, 2)
    with Served(grader, failing(JudgeFailure.TIMEOUT)) as served:
        found = asyncio.run(remote(served).grade(answers))
        _, raw, _ = served.ask(body={"answers": [{"task_id": answers[0][0], "response": "x"}]})
    assert [(grade.reward, grade.outcome) for grade in found] == [(None, "timeout")] * 2
    assert raw["results"][0]["reward"] is None and {v["failure"] for v in raw["results"][0]["verdicts"]} == {"timeout"}


def boom(error):
    def spoil(batch):
        raise error

    return spoil


@pytest.mark.parametrize(
    ("error", "code", "said"), [(LanguageModelError("no server"), 502, "no server"), (KeyError("secret"), 500, "unexpected")]
)
def test_a_judge_that_cannot_work_is_an_error_and_the_server_lives_on(grader, error, code, said, capsys):
    body = {"answers": [{"task_id": answers_of(grader)[0][0], "response": "x"}]}
    with Served(grader, boom(error)) as served:
        found, row, _ = served.ask(body=body)
        assert found == code and said in row["error"] and "secret" not in row["error"]
        served.judge.spoil = None
        assert served.ask(body=body)[0] == 200


def test_single_answers_are_graded_in_batches_and_one_batch_at_a_time(grader, token):
    answers = answers_of(grader) * 10

    async def one_by_one(source):
        return await asyncio.gather(*(source.grade([answer]) for answer in answers))

    with Served(grader, batch=16) as served:
        served.judge.go.clear()
        threading.Timer(0.5, served.judge.go.set).start()
        found = asyncio.run(one_by_one(remote(served)))
        batches, most = served.judge.batches, served.judge.most
    assert [one for (one,) in found] == grader.grade(answers)
    assert most == 1 and sum(batches) == 60 and max(batches) == 16 and len(batches) < 20


def test_too_many_waiting_answers_are_sent_away_and_come_back(grader, token):
    answers = answers_of(grader, 3)
    items = grader.inputs(answers)
    with Served(grader, waiting=3) as served:
        served.judge.go.clear()
        (under_way,) = served.server.gathered.submit(items[:1])
        while not under_way.running():
            time.sleep(0.001)
        served.server.gathered.submit(items)
        code, _, headers = served.ask(body={"answers": [{"task_id": answers[0][0], "response": "x"}]})
        assert (code, headers["Retry-After"]) == (503, "1")
        threading.Timer(0.05, served.judge.go.set).start()
        assert asyncio.run(remote(served, tries=12).grade(answers)) == grader.grade(answers)


def test_what_nobody_waits_for_any_more_is_not_graded(grader):
    judge = Judge(grader.judge)
    judge.go.clear()
    gathered = Gathered(judge, batch=1)
    items = [JudgeInput.of(graded.task, graded.passage, "x") for graded in list(grader.tasks.values())[:3]]
    first, second, third = gathered.submit(items)
    while not first.running():
        time.sleep(0.001)
    assert second.cancel()
    judge.go.set()
    assert third.result(20).task_id == items[2].task_id
    gathered.close()
    assert judge.batches == [1, 1]
    with pytest.raises(RuntimeError):
        gathered.submit(items)
    with pytest.raises(Full):
        Gathered(judge, waiting=2).submit(items)


def test_only_the_locked_judge_is_opened(spec, grader):
    class Other(Judge):
        def __init__(self, real):
            super().__init__(real)
            self.identity = "another@1"

    with pytest.raises(BlockedError, match="not the locked one"):
        Grader.open(spec.dataset, Other(grader.judge), spec.lock)
    with pytest.raises(BlockedError, match="flipped"):
        Grader.open(spec.dataset, Judge(grader.judge, failing(JudgeFailure.REFUSED)), spec.lock)


def test_a_grade_that_is_none_of_ours_is_refused():
    good = Grade("t", "r", 0.5, "graded", ({"level": 1},)).to_row()
    assert Grade.from_row(json.loads(json.dumps(good))) == Grade("t", "r", 0.5, "graded", ({"level": 1},))
    for change in ({"reward": "1"}, {"reward": True}, {"reward": float("nan")}, {"outcome": None}, {"verdicts": None}):
        with pytest.raises(ValueError):
            Grade.from_row(good | change)
    for nothing in (None, [], {}, "x"):
        with pytest.raises(ValueError):
            Grade.from_row(nothing)


# The command, as a process

CONFIG = """
name = "unit"
seed = 1
workspace = "{root}"
author = {{ type = "extractive" }}
judge = {{ type = "{judge}" }}
[[sources]]
type = "folder"
name = "papers"
path = "papers"
"""


def started(tmp_path, spec, environment=None):
    (tmp_path / "pipeline.toml").write_text(CONFIG.format(root=tmp_path / "ws", judge="lexical"))
    command = [sys.executable, "-m", "flows.cli", "judge", "serve", str(spec.dataset), "--lock", str(spec.lock), "--port", "0", "--json"]
    inherited = {name: value for name, value in os.environ.items() if name != TOKEN}
    process = subprocess.Popen(
        [*command, "--config", str(tmp_path / "pipeline.toml")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**inherited, **(environment or {})},
    )  # fmt: skip
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return process, json.loads(line)


def test_the_process_makes_a_token_serves_and_ends_gently(spec, grader, tmp_path, monkeypatch):
    process, row = started(tmp_path, spec)
    try:
        path = Path(row["token_file"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and row["lock"] == grader.lock.digest
        answers = answers_of(grader)
        assert asyncio.run(Remote(row["address"], path, lock=row["lock"]).grade(answers)) == grader.grade(answers)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130 and "stopped" in process.stderr.read() and not path.exists()
    finally:
        process.kill()
        process.wait(10)


def test_the_process_takes_its_token_from_the_environment(spec, grader, tmp_path, token):
    process, row = started(tmp_path, spec, {TOKEN: SECRET})
    try:
        assert row["token_file"] == "" and list((tmp_path / "ws").glob("**/*.token")) == []
        (grade,) = asyncio.run(Remote(row["address"]).grade(answers_of(grader, 1)))
        assert grade.reward == 0.0
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


@pytest.mark.parametrize(
    ("options", "judge", "variable", "code", "said"),
    [
        (("--host", "0.0.0.0"), "lexical", SECRET, 2, "can be reached from other machines"),
        (("--host", "example.org"), "lexical", SECRET, 2, "--allow-remote"),
        ((), "lexical", "short", 2, "at least 16"),
        ((), "rules", SECRET, 3, "not the locked one"),
        (("--host", "192.0.2.1", "--allow-remote"), "lexical", SECRET, 2, "cannot listen"),
    ],
)
def test_what_must_not_be_served_is_not(spec, tmp_path, monkeypatch, capsys, options, judge, variable, code, said):
    monkeypatch.setenv(TOKEN, variable)
    (tmp_path / "pipeline.toml").write_text(CONFIG.format(root=tmp_path / "ws", judge=judge))
    arguments = ["judge", "serve", str(spec.dataset), "--lock", str(spec.lock), "--port", "0", *options]
    assert cli.run([*arguments, "--config", str(tmp_path / "pipeline.toml")]) == code
    error = capsys.readouterr().err
    assert said in error and len(error.strip().splitlines()) == 1
