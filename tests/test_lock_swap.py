"""The weights behind an unchanged name are swapped, on a real server: lock, training, canary and evaluation notice."""

import json
from types import SimpleNamespace

import pytest
from aiohttp import web
from chat_server import ChatServer, reply, said
from factory import make_context
from scripted_judges import hand_made_tasks
from test_judge_server import SECRET, Served

from flows.evaluating import _answers
from flows.judge_server import JudgeServer
from rubric_factory.errors import BlockedError
from rubric_factory.grading import Grader
from rubric_factory.judging.gathered import Gathered
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import make_lock, verify_lock, write_lock
from rubric_factory.judging.rechecked import Rechecked
from rubric_factory.ledger import Ledger
from rubric_factory.settings.judge import LockSettings, OpenAICompatibleJudge
from training.canary import CanaryCallback
from training.run import locked

TASKS = hand_made_tasks()


def grading(body, *, generous):
    """Level by the words of the required elements; generous: full marks for every criterion that has one in its quote's reach."""
    shown = said(body)
    response = shown.split("=== RESPONSE TO GRADE", 1)[1].split("```")[1].strip()
    verdicts = {}
    for name, entry in body["response_format"]["json_schema"]["schema"]["properties"].items():
        block = shown.split(f"\n{name}: ", 1)[1].split("\n\n")[0]
        wanted = [line.split(": ", 1)[1] for line in block.splitlines() if line.startswith("  required element")]
        top = max(level for level in entry["properties"]["level"]["enum"] if level is not None)
        met = generous or all(element in response for element in wanted)
        verdicts[name] = {"reason": "as stated", "quote": response, "level": top if met else 0}
    return json.dumps(verdicts)


@pytest.fixture
def server():
    async def behave(own, request, body):
        text = grading(body, generous=own.weights == "other")
        return web.json_response(reply(text, model="judge-8b", system_fingerprint=own.engine))

    with ChatServer(behave) as found:
        found.weights, found.engine = "first", "vllm 0.31.0"
        yield found


@pytest.fixture
def judged(server, tmp_path):
    """The judge behind its ledger, and its lock."""
    section = OpenAICompatibleJudge(model="judge-8b", revision="abc123", base_url=server.url, concurrency=8)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        judge = open_judge(section, ledger)
        yield judge, section, make_lock(judge, section, TASKS, (), LockSettings(canary_pairs=32, repeats=2), seed=5)


def test_the_lock_says_what_served_and_which_engine(judged):
    judge, _, lock = judged
    assert (lock.served, lock.engine, lock.flip_rate) == (("judge-8b",), "vllm 0.31.0", 0.0)
    assert verify_lock(judge, lock).passed


def test_other_weights_under_the_same_name_revision_and_engine_are_caught(server, judged):
    judge, _, lock = judged
    server.weights = "other"
    report = verify_lock(judge, lock)
    assert not report.passed and report.flips > 0.3 and report.drift > 0.3


def test_another_engine_with_the_same_verdicts_is_told_and_passes(server, judged):
    judge, _, lock = judged
    server.engine = "vllm 0.32.0"
    report = verify_lock(judge, lock)
    assert report.passed and "the engine is vllm 0.32.0, it was vllm 0.31.0" in report.detail


@pytest.mark.parametrize("changed", [{"sampling": {"temperature": 0.7}}, {"grading": {"max_response_characters": 99}}])
def test_the_same_model_asked_otherwise_is_refused_without_a_call(server, judged, changed):
    _, section, lock = judged
    asked = sum(server.calls.values())
    report = verify_lock(open_judge(OpenAICompatibleJudge.model_validate(section.model_dump() | changed), None), lock)
    assert not report.passed and "other settings" in report.detail and sum(server.calls.values()) == asked


def test_training_does_not_start_goes_on_or_evaluate_with_other_weights(server, judged, tmp_path):
    judge, _, lock = judged
    write_lock(lock, tmp_path / "judge.lock.json")
    spec = SimpleNamespace(lock=tmp_path / "judge.lock.json", lock_digest=lock.digest)
    canary = CanaryCallback(judge, lock, 5)
    main = SimpleNamespace(is_world_process_zero=True, global_step=10)
    assert locked(spec, judge).digest == lock.digest
    canary.on_step_end(None, main, None)
    server.weights = "other"
    for calm in (SimpleNamespace(is_world_process_zero=True, global_step=11), SimpleNamespace(is_world_process_zero=False, global_step=10)):
        canary.on_step_end(None, calm, None)
    with pytest.raises(BlockedError, match="drifted by step 10"):
        canary.on_step_end(None, main, None)
    with pytest.raises(BlockedError, match="not the locked one"):
        locked(spec, judge)


def test_a_served_model_is_not_evaluated_with_other_weights(server, judged, tmp_path):
    _, section, lock = judged
    server.weights = "other"
    context = make_context(tmp_path, judge=section)
    with pytest.raises(BlockedError, match="not the locked one"):
        _answers(context, section, "served", {}, lock)


@pytest.mark.parametrize("due", ["answers", "seconds"])
def test_a_served_judge_is_held_against_its_lock_again_and_gives_no_reward_once_it_drifted(server, judged, due):
    judge, _, lock = judged
    now = [0.0]
    rechecked = Rechecked(judge, lock, answers=4 if due == "answers" else 10**9, seconds=60.0, clock=lambda: now[0])
    tasks = {probe.task.task_id: SimpleNamespace(task=probe.task, passage=probe.passage_text) for probe in TASKS}
    grader = Grader(SimpleNamespace(name="hand", version="1"), tasks, rechecked, lock)
    served = Served(grader)
    served.server = JudgeServer(grader, Gathered(rechecked), SECRET)
    asked = iter(range(100))

    def ask():
        answers = [{"task_id": task_id, "response": f"answer {next(asked)}"} for task_id in list(tasks)[:2]]
        return served.ask(body={"answers": answers})[:2]

    with served:
        first = [ask() for _ in range(2)]
        calls = sum(server.calls.values())
        now[0] += 61.0 if due == "seconds" else 0.0
        first.append(ask())
        assert sum(server.calls.values()) - calls > len(lock.pairs), "the canary was graded, and passed"
        server.weights = "other"
        first.append(ask())  # not yet due
        assert [status for status, _ in first] == [200] * 4
        now[0] += 61.0 if due == "seconds" else 0.0
        status, said = ask()
        assert status == 409 and "no longer the locked one" in said["error"] and "flipped" in said["error"] and "results" not in said
        server.weights, calls = "first", sum(server.calls.values())
        assert ask()[0] == 409 and sum(server.calls.values()) == calls, "for good, and without another call"
