"""An ensemble behind everything that turns verdicts into rewards: trainers, `judge serve`, stored verdicts of today and of before."""

import asyncio
import json
import math

import pyarrow.parquet as pq
import pytest
from test_judge_server import SECRET, Served, remote
from test_judging_modes import fine
from test_training import rewards
from training_case import tiny_spec

from flows.reaggregate import reaggregate
from rubric_factory import rewards_for_trainers as ours
from rubric_factory.grading import Grader, open_grader
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import make_lock, write_lock
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.runs import RunSpec
from rubric_factory.settings.judge import Ensemble, LockSettings, ScriptedJudge
from rubric_factory.verdicts.stored import read_verdicts
from rubric_factory.workspace import Workspace
from training.data import VersionData
from training.run import locked

SPLIT = "What one of them grants."
PLAIN = "What none of them grants."


def strict(request):
    """Grants nothing."""
    return fine(request, level=0)


def lenient(request):
    """Grants what is split, nothing else."""
    return fine(request, level=int(SPLIT in request.messages[-1].content))


MEMBERS = tuple(
    ScriptedJudge(model=name, revision="r", function=f"test_ensemble_rewards:{name}", grading={"quotes": "given", "tries": 1})
    for name in ("strict", "lenient")
)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """A run of three steps under the lock of an ensemble."""
    root, section = tmp_path_factory.mktemp("ensemble"), Ensemble(members=MEMBERS)
    spec = tiny_spec(root, judge=section)
    data = VersionData.open(spec)
    tasks = [ProbeTask.of(graded.task, graded.passage) for graded in data.graded.values()]
    lock = make_lock(open_judge(section, None), section, tasks, [], LockSettings(canary_pairs=4, repeats=2), seed=1, allow_unlocked=True)
    write_lock(lock, root / "ensemble.lock.json")
    return spec.model_copy(update={"lock": root / "ensemble.lock.json", "lock_digest": lock.digest})


@pytest.fixture(scope="module")
def answers(spec):
    task_id = next(iter(VersionData.open(spec).graded))
    return [(task_id, PLAIN), (task_id, SPLIT)]


@pytest.fixture
def local(spec, monkeypatch):
    monkeypatch.setenv(ours.TOKEN, SECRET)
    ours._source.cache_clear()
    return {"version": str(spec.dataset), "judge": spec.judge.model_dump(mode="json"), "lock": str(spec.lock)}


def test_foreign_trainers_get_no_score_for_what_the_judges_do_not_agree_on(local, answers):
    (task_id, plain), (_, split) = answers
    given = {"prompts": [None] * 2, "completions": [plain, split], "completion_ids": [[1]] * 2, "task_id": [task_id] * 2}
    assert asyncio.run(ours.TRLReward(ours.Local(**local))(**given)) == [0.0, None]
    infos = [{"task_id": task_id}] * 2
    with pytest.raises(ours.Ungraded, match="abstained"):
        ours.compute_scores(["x"] * 2, [plain, split], [""] * 2, infos, **local)
    scores = ours.compute_scores(["x"] * 2, [plain, split], [""] * 2, infos, on_failure="nan", **local)
    assert scores[0]["score"] == 0.0 and math.isnan(scores[1]["score"])
    with pytest.raises(ours.Ungraded, match="abstained"):
        asyncio.run(ours.verifiers_legacy_reward(ours.Local(**local))(split, {"task_id": task_id}))


def test_served_grades_say_how_far_the_judges_agree(spec, local, answers):
    grader = open_grader(local["version"], local["judge"], lock=local["lock"])
    with Served(grader) as served:
        found = asyncio.run(remote(served, lock=grader.lock.digest).grade(answers))
    assert [(grade.reward, grade.outcome) for grade in found] == [(0.0, "graded"), (None, "abstained")]
    assert [{row["agreement"] for row in grade.verdicts} for grade in found] == [{1.0}, {0.5}]
    assert Grader.open(spec.dataset, open_judge(spec.judge, None), spec.lock).lock.members[1].model == "lenient"


def test_training_opens_the_ensemble_of_its_run_and_stores_what_each_judge_said(spec, answers, tmp_path):
    spec.save(tmp_path)
    again = RunSpec.load(tmp_path)
    assert again == spec and again.run_id == spec.run_id
    judge = open_judge(again.judge, None)
    assert locked(again, judge).digest == spec.lock_digest
    ids, texts = [task for task, _ in answers], [text for _, text in answers]
    found, logged = rewards((spec, VersionData.open(again)), judge, tmp_path, ids, texts)
    assert found == [0.0, None] and logged["ungraded_share"] == 0.5
    rows = read_verdicts(tmp_path)
    assert {row["level"] for row in rows if row["response_id"].endswith("-1")} == {None}
    assert all(len(row["votes"]) == 2 for row in rows)


def test_stored_verdicts_are_aggregated_again_with_and_without_the_newer_columns(spec, answers, tmp_path):
    ids, texts = [task for task, _ in answers], [text for _, text in answers]
    folder, names = tmp_path / "run", ("canonical", "all_pass", "signed")
    for step in (1, 2):
        rewards((spec, VersionData.open(spec)), open_judge(spec.judge, None), folder, ids, texts, step=step)
    today = reaggregate(folder, names, Workspace(tmp_path / "w"), tmp_path / "today", 1)
    assert {row["all"]["ungraded"] for row in today["aggregations"].values()} == {2}
    old = folder / "verdicts" / "step-000001-rank0.parquet"  # one file of before beside one of today, as a resumed run has
    pq.write_table(pq.read_table(old).drop_columns(["agreement", "votes"]), old)
    reaggregate(folder, names, Workspace(tmp_path / "w"), tmp_path / "mixed", 1)
    kept = [(tmp_path / name / "rewards.jsonl").read_text() for name in ("today", "mixed")]
    assert kept[0] == kept[1]
    lines = tmp_path / "verdicts.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in read_verdicts(old)))
    assert reaggregate(lines, names, Workspace(tmp_path / "w"), tmp_path / "lines", 1)["responses"] == 2
