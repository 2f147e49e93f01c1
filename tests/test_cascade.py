"""The cascade of the judge's gates: what is asked, what is not, what is read again, and what of a solver's answers reaches the version."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factory import pass_contracts
from hypothesis import given
from hypothesis import strategies as st
from judged_corpus import CountingJudge, hand_made_corpus, install, judged_context

from flows.pipeline import run_stage
from flows.spending import spending
from rubric_factory import warehouse
from rubric_factory.dataset_version import open_version, task_rows, verify
from rubric_factory.errors import FactoryError, LanguageModelError
from rubric_factory.gates.model.cascade import Trial
from rubric_factory.gates.model.protocol import group, kinds
from rubric_factory.gates.model.quantile import quantile
from rubric_factory.gates.model.stored import Stored, response_id
from rubric_factory.gates.model.table import JUDGE_GATES, check_scores
from rubric_factory.judging.failures import decide
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.llm.protocol import Completion, CompletionFailure
from rubric_factory.records import JudgeFailure
from rubric_factory.reports.audit_page import audit_page
from rubric_factory.settings.gates import JudgeGateSettings, ScriptedSolver
from rubric_factory.settings.judge import LockSettings
from rubric_factory.tables import SPLITS, VERDICTS, judgement_rows

SOLVER = {"type": "scripted", "model": "policy", "revision": "r1", "function": "test_cascade:solved"}
WITH_SOLVER = JudgeGateSettings(solver=ScriptedSolver(**SOLVER))
SCORE = st.one_of(st.none(), st.floats(-1, 1))
ASKED = []
FAILING = set()


def solved(request):
    """A policy that knows the whole answer at one draw, its first half at another and nothing at the third."""
    ASKED.append(request)
    if request.part in FAILING:
        return Completion(failure=CompletionFailure.TIMEOUT, detail="too slow")
    task = next(t for t in hand_made_corpus().tasks if t.prompt == request.messages)
    known = task.reference_answer.split()
    share = {"sample/1": 1.0, "sample/2": 0.5, "sample/3": 0.0}[request.part]
    return " ".join(known[: round(share * len(known))]) or "Unknown."


@pytest.fixture(autouse=True)
def _own_functions(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import test_cascade

    monkeypatch.setattr(test_cascade, "ASKED", ASKED)
    monkeypatch.setattr(test_cascade, "FAILING", FAILING)
    ASKED.clear()
    FAILING.clear()


@pytest.fixture
def judge(monkeypatch):
    return install(monkeypatch, CountingJudge())


def context_of(root, probes=None, **gates):
    settings = {"audit_share": 0.0, **gates}
    return judged_context(root, gates={"judge": settings}, probes={"sample_tasks": 1, **(probes or {})})


def settled(context):
    """judge-gate without the probes after it: they were measured on these tasks already."""
    return run_stage("judge-gate", context)


def table(context, name):
    with warehouse.opened(context.workspace) as house:
        return house.table(name).to_pylist()


def gate_calls(judge):
    """What the gates asked since the last look, probes left out, as (task_id, kind)."""
    asked, judge.asked = judge.asked, []
    return [(item.task_id, item.response_id.rpartition("/")[0]) for item in asked if "/" in item.response_id]


# Pure parts


@given(st.lists(SCORE, min_size=6, max_size=6), st.floats(0.01, 1))
def test_nothing_is_asked_after_a_refusal_and_never_more_than_six(scores, spread):
    settings = WITH_SOLVER.model_copy(update={"min_spread": spread})
    trial, asked = Trial("t", settings), 0
    for kind, score in zip(kinds(settings), scores, strict=True):
        if trial.refused is not None:
            assert not any(trial.wants(later) for later in kinds(settings))
            break
        assert trial.wants(kind)
        trial.take(kind, score)
        asked += 1
        assert not trial.wants(kind)
    assert asked <= 6 == len(kinds(settings)) and len(kinds(JudgeGateSettings())) == 3


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.floats(0, 0.4), st.floats(0.6, 1))
def test_samples_refuse_early_only_what_the_rest_could_not_mend(scores, low, high):
    settings = WITH_SOLVER.model_copy(update={"central_band": (low, high)})
    final = check_scores(dict(zip(kinds(settings)[3:], scores, strict=True)), settings)["judge_difficulty"]
    for known in (1, 2):
        early = check_scores(dict(list(zip(kinds(settings)[3:], scores, strict=True))[:known]), settings)["judge_difficulty"]
        assert early.passed or not final.passed
    mean = sum(min(1.0, max(0.0, one)) for one in scores) / 3
    assert final.figure == pytest.approx(mean)
    if min(abs(mean - low), abs(mean - high)) > 1e-9:
        assert final.passed == (low < mean < high)


def test_a_hopeless_task_is_refused_before_the_last_sample():
    settings = WITH_SOLVER.model_copy(update={"central_band": (0.4, 0.9)})
    trial = Trial("t", settings)
    for kind, score in zip(kinds(settings), (1.0, 0.0, 0.0, 0.0, 0.0), strict=False):
        trial.take(kind, score)
    assert trial.refused == "judge_difficulty" and not trial.wants("sample/3")


@pytest.mark.parametrize(("scores", "passed"), [((0.5, 0.5), True), ((0.5, 0.5, 0.5), False), ((0.5, 0.5, 0.56), True)])
def test_equal_answers_are_refused_when_all_are_there(scores, passed):
    found = check_scores(dict(zip(kinds(WITH_SOLVER)[3:], scores, strict=False)), WITH_SOLVER)
    assert found["judge_spread"].passed is passed


@given(st.dictionaries(st.text("abcd", min_size=1, max_size=3), st.floats(0, 1), min_size=1), st.floats(0.05, 1))
def test_the_central_share_is_kept_around_the_median(means, share):
    found = quantile(means, JudgeGateSettings(central_share=share))
    if share == 1:
        assert found == {}
        return
    kept = [means[task_id] for task_id, finding in found.items() if finding.passed]
    assert len(kept) >= max(1, round(share * len(means))) and found.keys() == means.keys()
    assert all(min(kept) <= mean <= max(kept) for mean in kept)
    outside = [means[task_id] for task_id, finding in found.items() if not finding.passed]
    below, above = (sum(mean < min(kept) for mean in outside), sum(mean > max(kept) for mean in outside))
    assert below + above == len(outside)
    if len(set(means.values())) == len(means):  # without ties exactly so many, and as many on either side
        assert len(kept) == max(1, round(share * len(means))) and abs(below - above) <= 1


def test_stored_rewards_are_those_of_the_judgements(tmp_path):
    judge = CountingJudge(lambda item: JudgeFailure.REFUSED if "bad" in item.response_id else None)
    tasks = hand_made_corpus().tasks[:3]
    items = [
        JudgeInput.of(t, "", t.reference_answer[:n], f"{k}/{t.task_key}") for t in tasks for k, n in (("a", 40), ("b", 400), ("bad", 9))
    ]
    judged = judge.grade_many(items)
    path = tmp_path / "v.parquet"
    rows = [row for item, found in zip(items, judged, strict=True) for row in judgement_rows(found, item.rubric)]
    pq.write_table(pa.Table.from_pylist(rows, schema=VERDICTS), path)
    decided = {i.response_id: d.reward for i, d in zip(items, decide([i.rubric for i in items], judged), strict=True)}
    assert Stored(path).rewards == {name: reward for name, reward in decided.items() if reward is not None}
    path.write_bytes(b"torn" + path.read_bytes()[:50])
    assert Stored(path).rewards == {} == Stored(tmp_path / "none.parquet").rewards


def test_another_judge_task_key_or_answer_is_another_grading():
    one, two = hand_made_corpus().tasks[:2]
    names = {response_id("weak", g, t, a) for g in ({"identity": "a"}, {"identity": "b"}) for t in (one, two) for a in ("x", "y")}
    assert len(names) == 8 and all(group(name) == "weak" for name in names)


# The stage


def test_unchanged_tasks_and_other_thresholds_take_no_call(tmp_path, judge):
    context = context_of(tmp_path)
    corpus = hand_made_corpus()
    corpus.fold(context.workspace)
    settled(context)
    assert len(gate_calls(judge)) == 36
    first = table(context, "quality"), table(context, "gate_results")
    counts = settled(context).counts
    assert (counts["graded"], counts["reused"], judge.count) == (0, 36, 0)
    assert (table(context, "quality"), table(context, "gate_results")) == first
    strict = context_of(tmp_path, max_weak=-1.0, warnings=())
    assert settled(strict).rejections == {"judge_weak": 12} and gate_calls(judge) == []
    again = settled(context).counts  # what the stricter thresholds had no use for was kept
    assert again["graded"] == 0 and again["passed"] == 12 and gate_calls(judge) == []
    assert (table(context, "quality"), table(context, "gate_results")) == first


def test_a_changed_answer_is_graded_alone(tmp_path, judge):
    context = context_of(tmp_path)
    corpus = hand_made_corpus()
    corpus.fold(context.workspace)
    settled(context)
    gate_calls(judge)
    task = corpus.tasks[4]
    with warehouse.opened(context.workspace) as house:
        noted = {"task_key": task.task_key, "passage_id": task.passage_id, "mode": "passage", "difficulty": "", "first_refusal": ""}
        row = {**noted, "weak_answer": "It depends on the weather.", "repair_rounds": 0}
        house.fold("task_notes", house.table("task_notes").from_pylist([row]))
    settled(context)
    assert gate_calls(judge) == [(task.task_id, "weak")]
    rows = pq.read_table(context.workspace.verdicts / "judge-gate.parquet").to_pylist()
    assert len({(r["response_id"], r["criterion_key"]) for r in rows}) == len(rows) == 36 * 4
    assert next(q for q in table(context, "quality") if q["task_id"] == task.task_id)["weak_score"] == 0.0


def test_a_damaged_table_of_verdicts_is_graded_anew(tmp_path, judge):
    context = context_of(tmp_path)
    hand_made_corpus().fold(context.workspace)
    settled(context)
    first = table(context, "quality")
    (context.workspace.verdicts / "judge-gate.parquet").write_bytes(b"PAR1 torn")
    assert settled(context).counts["graded"] == 36 and table(context, "quality") == first


def test_a_solver_fills_spread_and_difficulty_with_six_calls_a_task(tmp_path, judge):
    context = context_of(tmp_path, solver=SOLVER)
    hand_made_corpus().fold(context.workspace)
    counts = settled(context).counts
    calls = gate_calls(judge)
    assert counts["graded"] == len(calls) == 72 and counts["sampled"] == len(ASKED) == 36
    assert {len([c for c in calls if c[0] == task_id]) for task_id, _ in calls} == {6}
    assert {request.messages[-1].role for request in ASKED} == {"user"} and len({request.seed for request in ASKED}) == 3
    for row in table(context, "quality"):
        assert row["spread"] == 1.0 and 0.3 < row["difficulty"] < 0.7
    ASKED.clear()
    again = settled(context).counts
    assert (again["graded"], again["sampled"], again["reused"], ASKED) == (0, 0, 72, [])
    (context.workspace.verdicts / "judge-gate.parquet").unlink()
    assert settled(context).counts["graded"] == 72 and ASKED == []  # the solver's answers lie in the ledger


def test_a_refused_task_costs_neither_judge_nor_solver_another_call(tmp_path, judge):
    context = context_of(tmp_path, solver=SOLVER, max_mismatch=-1.0)
    hand_made_corpus().fold(context.workspace)
    assert settled(context).rejections == {"judge_mismatch": 12}
    assert len(gate_calls(judge)) == 36 and ASKED == []


def test_the_central_share_refuses_the_tasks_at_both_ends(tmp_path, judge):
    context = context_of(tmp_path, solver=SOLVER)
    hand_made_corpus().fold(context.workspace)
    settled(context)
    means = {row["task_id"]: 1 - row["difficulty"] for row in table(context, "quality")}
    narrow = context_of(tmp_path, solver=SOLVER, central_share=0.1)
    report = settled(narrow)
    expected = {t for t, found in quantile(means, narrow.settings.gates.judge).items() if not found.passed}
    assert {row["record_id"] for row in table(narrow, "rejections")} == expected
    assert report.counts["graded"] == 0 and report.rejections.get("judge_quantile", 0) == len(expected)


def test_a_solver_that_does_not_answer_stops_the_stage_and_its_share_is_kept(tmp_path, judge):
    context = context_of(tmp_path, solver=SOLVER)
    hand_made_corpus().fold(context.workspace)
    FAILING.add("sample/2")
    with pytest.raises(LanguageModelError, match="answers of the solver policy have not arrived"):
        settled(context)
    assert table(context, "quality") == []
    ASKED.clear()
    FAILING.clear()
    assert settled(context).counts["passed"] == 12
    assert {request.part for request in ASKED} == {"sample/2", "sample/3"}


def test_criteria_that_tell_nothing_apart_are_found_without_a_call(tmp_path, judge):
    context = context_of(tmp_path)
    hand_made_corpus().fold(context.workspace)
    counts = settled(context).counts
    assert len(gate_calls(judge)) == 36  # the three of each task
    rows = table(context, "necessity")
    assert len(rows) == 48 and counts["unneeded"] == sum(not row["separates"] for row in rows) >= 12
    for row in (row for row in rows if row["weight"] < 0):  # the pitfall that no answer fell into
        assert not row["separates"] and row["margin_change"] == pytest.approx(0.0)
    quality = {row["task_id"]: row["reference_score"] - row["weak_score"] for row in table(context, "quality")}
    for task_id, margin in quality.items():
        own = [row for row in rows if row["task_id"] == task_id]
        positive = sum(row["weight"] for row in own if row["weight"] > 0)
        for row in own:
            rest = [r for r in own if r is not row]
            without = sum(r["weight"] * (r["reference_share"] - r["weak_share"]) for r in rest) / (positive - max(row["weight"], 0))
            assert row["margin_change"] == pytest.approx(margin - without)


def test_the_audit_sample_is_graded_once_and_decides_nothing(tmp_path, judge):
    context = context_of(tmp_path, audit_share=0.2)
    hand_made_corpus().fold(context.workspace)
    first = settled(context).counts
    assert first["audited"] > 0 and first["passed"] == 12
    kept = json.loads((context.workspace.verdicts / "judge-audit.json").read_text())["figures"]
    assert kept["repeat_flips"]["value"] == 0.0 and {row["tasks"] for row in kept.values()} == {3}
    assert {"changed_number", "changed_unit", "changed_entity", "negation"} <= kept.keys()
    assert settled(context).counts["audited"] == 0
    assert settled(context_of(tmp_path)).counts["audited"] == 0  # none wanted


def test_cost_tells_calls_per_accepted_task_by_gate(tmp_path, judge):
    context = context_of(tmp_path, solver=SOLVER)
    hand_made_corpus().fold(context.workspace)
    settled(context)
    found = spending(context.settings, context.workspace)
    assert found["accepted_tasks"] == 12
    (row,) = found["gates"]  # the judge of this test is no model
    assert row["kind"] == "solver" and row["gates"] == ["judge_spread", "judge_difficulty"] and row["per_accepted"]["calls"] == 3.0


def test_a_run_that_ends_between_verdicts_and_tables_asks_nothing_again(tmp_path, judge, monkeypatch):
    context = context_of(tmp_path, solver=SOLVER)
    hand_made_corpus().fold(context.workspace)
    with monkeypatch.context() as patch:
        patch.setattr("rubric_factory.stages.judge_gate._replace", lambda house, tables: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            settled(context)
    assert table(context, "quality") == [] and len(gate_calls(judge)) == 72
    counts = settled(context).counts
    assert (counts["graded"], counts["sampled"], counts["passed"]) == (0, 0, 12)


def test_spread_difficulty_and_audit_reach_the_version_its_card_and_page(tmp_path, judge):
    context = context_of(tmp_path, probes={"sample_tasks": 2}, solver=SOLVER, audit_share=0.1)
    context = replace(context, settings=context.settings.model_copy(update={"lock": LockSettings(canary_pairs=4, repeats=2)}))
    hand_made_corpus().fold(context.workspace)
    for name in ("probe", "lock", "judge-gate", "stage"):
        run_stage(name, context)
    pass_contracts(context)
    folder = Path(run_stage("publish", context).folder)
    assert verify(folder).problems == ()
    manifest, card, page = open_version(folder).manifest, (folder / "README.md").read_text(), audit_page(folder)[0]
    assert manifest["solver"].startswith("policy@r1 temperature=1 ") and manifest["gate_audit"]["repeat_flips"]["tasks"] == 2
    assert sum(row["criteria"] for row in manifest["necessity"]) == 48
    rows = [row for split in SPLITS for row in task_rows(open_version(folder), split)]
    assert {row["quality"]["spread"] for row in rows} == {1.0} and all(0 < row["quality"]["difficulty"] < 1 for row in rows)
    for text in (card, page):
        assert "policy@r1" in text and "Audit of" in text and "tell nothing apart" in text
    other = replace(context, settings=context_of(tmp_path, solver={**SOLVER, "revision": "r2"}).settings)
    with pytest.raises(FactoryError, match="not graded by the configured judge"):
        run_stage("stage", other)


def test_every_gate_of_the_table_may_only_warn():
    names = JudgeGateSettings.model_fields["warnings"].annotation.__args__[0].__args__
    assert set(names) == {*JUDGE_GATES, "judge_quantile"}
