"""The trainer's rooms without a trainer: variants, data, the reward callable, stems, length control, resumed metrics."""

import asyncio
import json
from collections import Counter
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_case import tiny_spec

from rubric_factory.errors import BlockedError, ConfigurationError, DatasetError
from rubric_factory.judging.failures import unmet
from rubric_factory.judging.judges import open_judge
from rubric_factory.records import JudgeFailure, Judgement
from rubric_factory.runs import RunSpec
from training.data import VersionData, messages
from training.reward import RubricReward
from training.run import Metrics, locked, main
from training.variants import derangement, shuffled_within_groups


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    spec = tiny_spec(tmp_path_factory.mktemp("training"))
    return spec, VersionData.open(spec)


class FixedJudge:
    """Every criterion at a level of one's choice, or a failure."""

    identity, evidence_grade = "fixed@1", "demo"

    def __init__(self, level=None, failure=None):
        self.level, self.failure, self.seen = level, failure, []

    def grade_many(self, batch):
        self.seen += batch
        if self.failure:
            return [Judgement(i.task_id, i.response_id, (), self.identity, self.failure) for i in batch]
        return [Judgement(i.task_id, i.response_id, unmet(i.rubric, "fixed"), self.identity) for i in batch]


def rewards(case, judge, folder, task_ids, texts=None, *, graded_as=None, shuffle=False, step=1):
    _, data = case
    texts = texts or ["an answer"] * len(task_ids)
    reward = RubricReward(
        data, judge, folder, aggregation="canonical", seed=1, rank=0, graded_as=graded_as or {i: i for i in task_ids}, shuffle=shuffle
    )
    logged = {}
    call = reward(
        prompts=[None] * len(texts),
        completions=[[{"role": "assistant", "content": t}] for t in texts],
        completion_ids=[[1, 2]] * len(texts),
        task_id=task_ids,
        trainer_state=SimpleNamespace(global_step=step),
        log_metric=lambda name, value: logged.__setitem__(name, value),
        log_extra=None,
    )
    return asyncio.run(call), logged


@given(st.integers(2, 40), st.integers(0, 10))
def test_a_derangement_moves_every_task(count, seed):
    ids = [f"t{i}" for i in range(count)]
    found = derangement(ids, seed)
    assert sorted(found) == sorted(found.values()) == sorted(ids)
    assert all(key != value for key, value in found.items())
    assert found == derangement(list(reversed(ids)), seed)


def test_one_task_cannot_be_permuted():
    with pytest.raises(ValueError, match="cannot be permuted"):
        derangement(["only"], 1)


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(-1, 1)), st.sampled_from("abc")), max_size=30), st.integers(0, 5))
def test_shuffling_keeps_each_groups_rewards(pairs, seed):
    values, groups = [v for v, _ in pairs], [g for _, g in pairs]
    found = shuffled_within_groups(values, groups, seed)
    for group in set(groups):
        assert Counter(v for v, g in zip(found, groups, strict=True) if g == group) == Counter(
            v for v, g in zip(values, groups, strict=True) if g == group
        )


def test_the_policy_is_shown_the_prompt_and_nothing_else(case):
    _, data = case
    task = data.split("train")[0]
    assert messages(task) == [{"role": "user", "content": task.question}]


def test_another_content_than_the_runs_is_refused(case):
    spec, _ = case
    with pytest.raises(DatasetError, match="the version this run was made for"):
        VersionData.open(spec.model_copy(update={"content_fingerprint": "0" * 64}))


def test_another_lock_than_the_runs_is_refused(case):
    spec, _ = case
    judge = open_judge(spec.judge, None)
    assert locked(spec, judge).digest == spec.lock_digest
    with pytest.raises(BlockedError, match="another lock"):
        locked(spec.model_copy(update={"lock_digest": "0" * 64}), judge)


def test_rewards_and_verdicts_are_stored_per_criterion(case, tmp_path):
    spec, data = case
    tasks = data.split("train")[:2]
    texts = [tasks[0].reference_answer, "nothing of the kind"]
    found, logged = rewards(case, open_judge(spec.judge, None), tmp_path, [t.task_id for t in tasks], texts, step=7)
    assert found[0] > found[1] == 0.0
    rollouts = pq.read_table(tmp_path / "rollouts" / "step-000007-rank0.parquet").to_pylist()
    verdicts = pq.read_table(tmp_path / "verdicts" / "step-000007-rank0.parquet").to_pylist()
    assert [r["reward"] for r in rollouts] == found
    assert [r["response"] for r in rollouts] == texts
    assert Counter(v["response_id"] for v in verdicts) == {r["response_id"]: len(tasks[0].rubric.criteria) for r in rollouts}
    assert logged["ungraded_share"] == 0.0


def test_the_judge_sees_the_hidden_passage_and_the_permuted_rubric_where_asked(case, tmp_path):
    _, data = case
    first, second = data.split("train")[:2]
    judge = FixedJudge()
    rewards(case, judge, tmp_path, [first.task_id], graded_as={first.task_id: second.task_id})
    assert judge.seen[0].rubric == second.rubric
    assert judge.seen[0].passage == data.passages[second.passage_id]


def test_a_judge_failure_is_no_reward_and_too_many_stop_the_run(case, tmp_path):
    _, data = case
    ids = [data.split("train")[0].task_id]
    found, logged = rewards(case, FixedJudge(failure=JudgeFailure.TIMEOUT), tmp_path, ids * 4)
    assert found == [None] * 4
    assert logged["ungraded_share"] == 1.0
    with pytest.raises(BlockedError, match="have no grade"):
        rewards(case, FixedJudge(failure=JudgeFailure.TRANSPORT), tmp_path, ids * 64)


def test_a_run_is_named_by_what_decides_it(case, tmp_path):
    spec, _ = case
    elsewhere = spec.model_copy(update={"policies": tmp_path, "dataset": tmp_path})
    assert elsewhere.run_id == spec.run_id
    assert spec.model_copy(update={"seed": 2}).run_id != spec.run_id
    assert spec.model_copy(update={"variant": "permuted"}).run_id != spec.run_id
    spec.save(tmp_path)
    assert RunSpec.load(tmp_path) == spec
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"run\.json"):
        RunSpec.load(tmp_path)


def test_metrics_are_whole_lines(tmp_path):
    report = Metrics(tmp_path)
    report({"phase": "reading", "step": 1})
    report({"phase": "reading", "step": 2})
    assert [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [1, 2]


def test_the_process_says_one_line_and_the_right_exit_code(tmp_path, capsys):
    assert main([]) == 2
    assert main([str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_warm_up_continues_a_stem_and_repeats_none():
    from training.reading import continued

    prompt = [{"role": "user", "content": "What is X?\nX is"}]
    assert continued(prompt, "X is a letter.") == "a letter."
    assert continued(prompt, "The letter X.") == "The letter X."
    assert continued([{"role": "user", "content": "What is X?"}], "X is a letter.") == "X is a letter."
