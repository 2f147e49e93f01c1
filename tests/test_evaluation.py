"""Evaluation: rows, intervals, pairs and breakdowns; a missing grade is never a score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_judges import hand_made_tasks

from rubric_factory.evaluation import GradedTask, Response, arm_means, breakdown, category_means, grade, paired_difference, passed, share
from rubric_factory.intervals import crossed_bootstrap
from rubric_factory.judging.lexical import LexicalJudge
from rubric_factory.records import JudgeFailure, Judgement
from rubric_factory.settings.judge import GradingSettings

PROBES = list(hand_made_tasks())
TASKS = {p.task.task_id: GradedTask(p.task, p.passage_text, p.genre) for p in PROBES}


class SilentJudge:
    """Grades nothing."""

    identity, evidence_grade = "silent@1", "demo"

    def grade_many(self, batch):
        return [Judgement(item.task_id, item.response_id, (), self.identity, JudgeFailure.TIMEOUT) for item in batch]


def row(arm, seed, document, task, reward):
    return {"arm": arm, "seed": seed, "document_key": document, "task_id": task, "reward": reward, "response": "", "words": 0}


def test_references_score_high_and_empty_answers_nothing():
    responses = [Response("reference", 1, p.task.task_id, p.task.reference_answer) for p in PROBES]
    responses += [Response("empty", 1, p.task.task_id, "") for p in PROBES]
    rows, judgements = grade(TASKS, responses, LexicalJudge(GradingSettings()), batch=5)
    assert [r["task_id"] for r in rows] == [r.task_id for r in responses]
    assert len(judgements) == len(responses)
    means = arm_means(rows, 1)
    assert means["reference"]["mean"] > 0.9
    assert means["empty"]["mean"] == 0.0
    shares = category_means(TASKS, responses, judgements, share, 1)
    whole = category_means(TASKS, responses, judgements, passed, 1)
    assert shares["essential"]["reference"]["mean"] > shares["essential"]["empty"]["mean"]
    assert shares["pitfall"]["reference"]["mean"] == 0.0 and whole["pitfall"]["reference"]["mean"] == 1.0
    assert whole["essential"]["reference"]["mean"] <= shares["essential"]["reference"]["mean"]


def test_an_ungraded_response_is_no_zero():
    rows, _ = grade(TASKS, [Response("a", 1, PROBES[0].task.task_id, "x")], SilentJudge())
    assert rows[0]["reward"] is None
    assert arm_means(rows, 1)["a"] == {"mean": None, "ci95_low": None, "ci95_high": None, "n": 0, "ungraded": 1}


def test_a_mean_is_the_plain_mean_and_ungraded_rows_are_counted():
    rows = [row("a", 1, "d1", "t1", 0.5), row("a", 1, "d1", "t2", -0.25), row("a", 2, "d2", "t3", 1.0), row("a", 2, "d2", "t4", None)]
    found = arm_means(rows, 1)["a"]
    assert found["mean"] == pytest.approx((0.5 - 0.25 + 1.0) / 3)
    assert (found["n"], found["ungraded"]) == (3, 1)


def test_pairs_are_formed_by_task_and_seed_over_means_of_samples():
    rows = [row("a", 1, "d1", "t1", 1.0), row("a", 1, "d1", "t1", 0.0), row("b", 1, "d1", "t1", 0.25), row("a", 2, "d1", "t1", 9.0)]
    found = paired_difference(rows, "a", "b", 1)
    assert found["mean"] == pytest.approx(0.25)
    assert found["n"] == 1


def test_a_real_difference_excludes_zero_and_none_does_not():
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(5):
        for document in range(12):
            for task in range(4):
                base = float(rng.normal())
                name = f"{document}-{task}"
                rows += [row("base", seed, str(document), name, base), row("better", seed, str(document), name, base + 0.5)]
                rows += [row("same", seed, str(document), name, base + float(rng.normal(scale=0.5)))]
    better, same = paired_difference(rows, "better", "base", 3), paired_difference(rows, "same", "base", 3)
    assert better["ci95_low"] > 0
    assert same["ci95_low"] < 0 < same["ci95_high"]


def test_a_breakdown_has_every_row_once():
    responses = [Response("a", 1, p.task.task_id, p.task.reference_answer) for p in PROBES]
    rows, _ = grade(TASKS, responses, LexicalJudge(GradingSettings()))
    found = breakdown(rows, TASKS, lambda graded: graded.task.question_type, 1)
    assert sum(arms["a"]["n"] for arms in found.values()) == len(PROBES)


@given(st.lists(st.tuples(st.floats(-1, 1), st.sampled_from("abcd"), st.integers(1, 3)), min_size=1, max_size=40))
def test_crossed_bootstrap_stays_within_the_values(triples):
    values, documents, seeds = zip(*triples, strict=True)
    found = crossed_bootstrap(values, documents, seeds, seed=1, repeats=200)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.mean == pytest.approx(float(np.mean(values)))


def test_crossed_bootstrap_widens_when_seeds_disagree():
    documents = [f"d{i}" for i in range(20)] * 4
    seeds = [s for s in range(4) for _ in range(20)]
    apart = crossed_bootstrap([float(s) for s in seeds], documents, seeds, seed=1)
    alike = crossed_bootstrap([0.0] * 80, documents, seeds, seed=1)
    assert apart.high - apart.low > 0.5
    assert alike.high == alike.low == 0.0
    with pytest.raises(ValueError, match="as many of each"):
        crossed_bootstrap([1.0], ["d"], [1, 2], seed=1)
