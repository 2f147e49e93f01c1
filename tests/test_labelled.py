"""Labels in the probes: Youden's J and self-preference reach the lock, from the tune side alone, measured anew when the labels change."""

import json

import pytest
from judged_corpus import CountingJudge, hand_made_corpus, install, judged_context
from scripted_judges import GoodJudge, hand_made_tasks

from flows.pipeline import run_stage
from rubric_factory.errors import BlockedError, ConfigurationError, UsageError
from rubric_factory.judging.calibration.responses import split_of
from rubric_factory.judging.labelled import labelled, named_tasks
from rubric_factory.judging.probes.run import run_probes
from rubric_factory.settings import load_settings
from rubric_factory.settings.judge import ProbeSettings

PROBES = hand_made_tasks()
WRONG = "Something else altogether."


def lines(probes, *, truth=True, family=""):
    """What the good judge would say of a reference and of a wrong answer, or the opposite of it."""
    for probe in probes:
        for response, right in ((probe.task.reference_answer, True), (WRONG, False)):
            for criterion in probe.task.rubric.criteria[:3]:
                row = {"task_id": probe.task.task_id, "criterion_key": criterion.criterion_key, "response": response, "labeller": "hand"}
                yield {**row, "met": right is truth, "family": family}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def j_of(path):
    found = run_probes(GoodJudge(), PROBES, ProbeSettings(), 1, labelled=labelled(path, PROBES))
    return {r.name: r for r in found if r.name.startswith("youden_j")}


def test_only_the_tune_side_is_read(tmp_path):
    found = labelled(write(tmp_path / "l.jsonl", lines(PROBES)), PROBES)
    sides = {split_of(item.probe.task.document_key) for item in found}
    assert sides == {"tune"} and {split_of(probe.task.document_key) for probe in PROBES} == {"tune", "test"}
    assert {"all", "category/essential", "polarity/good_thing", "question_type/explain"} <= {item.cluster for item in found}


def test_j_by_cluster_is_one_for_a_judge_that_agrees_and_blocks_one_that_contradicts(tmp_path):
    good = j_of(write(tmp_path / "good.jsonl", lines(PROBES)))
    assert {r.value for r in good.values()} == {1.0} and all(r.passed for r in good.values())
    bad = j_of(write(tmp_path / "bad.jsonl", lines(PROBES, truth=False)))["youden_j/all"]
    assert bad.value == -1.0 and bad.severity == "error" and bad.n >= 30 and bad.passed is False


def test_several_labellers_count_by_their_majority_and_ids_alone_are_left_out(tmp_path):
    tune = next(probe for probe in PROBES if split_of(probe.task.document_key) == "tune")
    row = {"task_id": tune.task.task_id, "criterion_key": tune.task.rubric.criteria[0].criterion_key}
    three = [{**row, "response": "x", "met": met, "labeller": str(n)} for n, met in enumerate((True, False, False))]
    alone = {**row, "response_id": "r", "met": True, "labeller": "hand"}
    found = [item for item in labelled(write(tmp_path / "l.jsonl", [*three, alone]), PROBES) if item.cluster == "all"]
    assert [(item.response, item.met) for item in found] == [("x", {row["criterion_key"]: False})]


def test_self_preference_counts_each_answer_once(tmp_path):
    path = write(tmp_path / "l.jsonl", [*lines(PROBES[:6], truth=False, family="mine"), *lines(PROBES[6:], truth=False, family="theirs")])
    found = run_probes(GoodJudge(), PROBES, ProbeSettings(), 1, labelled=labelled(path, PROBES), own_family="mine")
    result = next(r for r in found if r.name == "self_preference")
    tune = sum(split_of(probe.task.document_key) == "tune" for probe in PROBES)
    assert result.value == 0.0 and result.n == tune * 6


def test_labels_on_other_tasks_are_none_and_a_bad_line_is_named(tmp_path):
    path = write(tmp_path / "l.jsonl", [{"task_id": "other", "criterion_key": "k", "response": "x", "met": True, "labeller": "hand"}])
    assert labelled(path, PROBES) == [] and named_tasks(path) == {"other"}
    (tmp_path / "bad.jsonl").write_text("{}\n[1]\n")
    with pytest.raises(UsageError, match=r"line 2 of .*bad\.jsonl"):
        labelled(tmp_path / "bad.jsonl", PROBES)


def test_a_judge_that_labels_contradict_is_not_locked_and_other_labels_are_another_measurement(tmp_path, monkeypatch):
    judge = install(monkeypatch, CountingJudge())
    path = tmp_path / "labels.jsonl"
    context = judged_context(tmp_path, probes={"labels": path})
    with pytest.raises(UsageError, match="cannot read"):
        run_stage("probe", context)
    corpus = hand_made_corpus()
    corpus.fold(context.workspace)
    probes = PROBES
    write(path, lines(probes, truth=False))
    first = run_stage("probe", context)
    assert first.counts["failed_errors"] > 0
    with pytest.raises(BlockedError, match=r"youden_j/all: -1\.0"):
        run_stage("lock", context)
    write(path, lines(probes))
    again = run_stage("probe", context)
    assert again.counts["failed_errors"] == 0 and again.counts["graded"] > 0
    assert run_stage("lock", context).counts["allowed"] == 0 and judge is not None


def test_the_path_of_labels_is_relative_to_the_configuration(tmp_path):
    config = tmp_path / "pipeline.toml"
    start = 'name = "x"\nseed = 1\nauthor = { type = "extractive" }\n'
    config.write_text(start + '[probes]\nlabels = "l.jsonl"\n[[sources]]\ntype = "folder"\nname = "a"\npath = "a"\n')
    assert load_settings(config).probes.labels == tmp_path / "l.jsonl"
    config.write_text(config.read_text().replace('"l.jsonl"', "3"))
    with pytest.raises(ConfigurationError, match="labels"):
        load_settings(config)
