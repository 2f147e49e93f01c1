"""probe, lock and judge-gate: what they store, what they reuse, what they refuse, and what of it reaches the version."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factory import make_context, pass_contracts
from hypothesis import given
from hypothesis import strategies as st
from judged_corpus import CountingJudge, hand_made_corpus, install, judged_context, unreachable
from scripted_judges import GullibleJudge

from data_contracts.check import check, contracts
from flows.pipeline import PUBLISHING, run_stage
from rubric_factory import warehouse
from rubric_factory.dataset_files import card_fingerprint, lock_digest
from rubric_factory.dataset_version import open_version, task_rows, verify
from rubric_factory.errors import BlockedError, FactoryError, LanguageModelError
from rubric_factory.gates.model.borrowed import Reference, borrowed_answers
from rubric_factory.gates.model.table import JUDGE_GATES, check_scores, refusal
from rubric_factory.gates.table import CORPUS_GATES, GATES
from rubric_factory.judging.lock import read_lock
from rubric_factory.judging.store import ranked, read_probes
from rubric_factory.records import JudgeFailure
from rubric_factory.settings.gates import JudgeGateSettings
from rubric_factory.stages import STAGES
from rubric_factory.tables import SPLITS

JUDGING = ("probe", "lock", "judge-gate")
THRESHOLDS = JudgeGateSettings()
SAMPLED = {"judge_spread", "judge_difficulty"}  # gates that read a solver's answers


def run(context, *stages):
    return {name: run_stage(name, context) for name in stages or JUDGING}


def publish(context):
    reports = run(context, *JUDGING, "stage")
    pass_contracts(context)
    return {**reports, **run(context, "publish")}


def house_rows(context, table):
    with warehouse.opened(context.workspace) as house:
        return house.table(table).to_pylist()


@pytest.fixture
def judge(monkeypatch):
    return install(monkeypatch, CountingJudge())


@pytest.fixture
def context(tmp_path, judge):
    context = judged_context(tmp_path)
    hand_made_corpus().fold(context.workspace)
    return context


# The way of a version


def test_the_stages_stand_between_gate_and_stage():
    assert STAGES[STAGES.index("gate") :] == PUBLISHING
    assert PUBLISHING[:5] == ("gate", "probe", "lock", "judge-gate", "stage")


def test_scores_judge_lock_and_probes_reach_the_version_and_it_verifies(context):
    reports = publish(context)
    assert reports["probe"].counts["failed_errors"] == 0 and reports["judge-gate"].counts["passed"] == 12
    folder = Path(reports["publish"].folder)
    assert verify(folder).problems == ()
    lock, manifest = read_lock(folder / "judge.lock.json"), open_version(folder).manifest
    assert lock.identity == "good@1" == manifest["judge"] and len(lock.pairs) >= 16
    assert manifest["lock"]["digest"] == lock.digest == lock_digest(folder)
    assert manifest["probes_before"].keys() == manifest["probes_after"].keys() >= {"empty", "mismatched", "reference"}
    assert manifest["probes_before"]["reference"]["value"] == 1.0
    rows = [row for split in SPLITS for row in task_rows(open_version(folder), split)]
    assert {row["judge"] for row in rows} == {"good@1"} and len(rows) == 12
    for row in rows:
        quality = row["quality"]
        assert quality["reference_score"] == 1.0 and quality["mismatch_score"] == 0.0
        assert quality["spread"] is quality["difficulty"] is None and 1.0 - quality["weak_score"] >= THRESHOLDS.min_margin
    card = (folder / "README.md").read_text()
    assert "## Judge" in card and "good@1" in card and "let through" not in card
    assert "no gate looked at them" in card and manifest["solver"] == ""  # spread and difficulty, without a solver
    verdicts = pq.read_table(context.workspace.verdicts / "judge-gate.parquet").to_pylist()
    assert {v["response_id"].partition("/")[0] for v in verdicts} == {"reference", "weak", "mismatch"}
    assert len(verdicts) == 3 * sum(len(row["rubric"]) for row in rows)


def test_a_second_run_grades_no_probe_and_publishes_nothing(context, judge):
    publish(context)
    stored = {path.name: path.read_bytes() for path in context.workspace.locks.iterdir()}
    judge.count  # noqa: B018 - forgets what was counted
    reports = publish(context)
    assert reports["probe"].counts["graded"] == 0 and reports["lock"].counts["reused"] == 1
    assert judge.count == reports["judge-gate"].counts["graded"] + reports["lock"].counts["pairs"]
    assert not reports["publish"].published and reports["publish"].version == "1.0.0"
    assert {path.name: path.read_bytes() for path in context.workspace.locks.iterdir()} == stored


def test_the_real_contracts_pass_a_judged_version(context):
    run(context, *JUDGING, "stage", "contracts")
    folder = context.workspace.staging / "unit"
    found = json.loads((folder / "contracts.json").read_text())["checks"]
    checks = {c["check"]: c for c in found if c["table"] == "facts"}
    assert all(checks[name]["success"] for name in ("judge_locked", "judged_alike", "withstood_probes"))
    lock = folder / "judge.lock.json"
    lock.write_text(lock.read_text().replace("good@1", "other@1"))
    assert contracts(context).counts["failed_errors"] == 1
    lock.unlink()
    report = check(folder, "standard", datasets=context.workspace.datasets)
    assert "judge_locked" in {c.check for c in report.failed}


def test_another_lock_is_another_card_fingerprint_and_a_tampered_one_is_found(context):
    folder = Path(publish(context)["publish"].folder)
    settings = json.loads((folder / "settings.json").read_text())
    card, manifest = (folder / "README.md").read_text(), open_version(folder).manifest
    assert card_fingerprint(card, settings, lock_digest(folder)) == manifest["card_fingerprint"] != card_fingerprint(card, settings)
    lock = folder / "judge.lock.json"
    lock.write_text(lock.read_text() + " ")
    assert {p.partition(" ")[0] for p in verify(folder).problems} == {"judge.lock.json", "card_fingerprint"}
    lock.unlink()
    assert any("one without the other" in problem for problem in verify(folder).problems)


# What is measured again, and what is refused


def test_other_tasks_settings_or_author_are_probed_anew_and_nothing_else(context, judge):
    run(context, "probe")
    corpus = hand_made_corpus()
    same = judged_context(context.workspace.root, lock={"canary_pairs": 16, "allow_unlocked": True})
    assert run(same, "probe")["probe"].counts["graded"] == 0
    assert run(judged_context(context.workspace.root, probes={"sample_tasks": 3}), "probe")["probe"].counts["graded"] > 0
    corpus.refused = {corpus.tasks[0].task_key}
    corpus.fold(context.workspace)
    assert run(context, "probe")["probe"].counts["graded"] > 0


def test_a_judge_that_fails_probes_is_locked_by_hand_only_and_that_is_recorded(context, monkeypatch):
    install(monkeypatch, GullibleJudge())
    with pytest.raises(BlockedError, match=r"cannot be locked: .*master_keys") as error:
        run(context)
    assert error.value.exit_code == 3 and not [p for p in context.workspace.locks.iterdir() if ".probes" not in p.name]
    allowed = judged_context(context.workspace.root, lock={"canary_pairs": 16, "allow_unlocked": True})
    assert run(allowed, "lock")["lock"].counts["allowed"] > 0
    with pytest.raises(BlockedError, match="cannot be locked"):  # the stored lock does not outlive the permission
        run(context, "lock")


def test_what_was_let_through_is_in_manifest_and_card(context, monkeypatch):
    install(monkeypatch, GullibleJudge())
    gates = {"judge": {"warnings": tuple(JUDGE_GATES)}}
    allowed = judged_context(context.workspace.root, lock={"canary_pairs": 16, "allow_unlocked": True}, gates=gates)
    folder = Path(publish(allowed)["publish"].folder)
    assert any(entry.startswith("master_keys") for entry in open_version(folder).manifest["lock"]["allowed"])
    assert "Let through by hand" in (folder / "README.md").read_text() and verify(folder).ok
    report = check(allowed.workspace.staging / "unit", "standard", datasets=allowed.workspace.datasets)
    assert "withstood_probes" in {c.check for c in report.checks if not c.success}


def test_a_judge_that_drifted_behind_its_name_is_refused(context, monkeypatch):
    run(context, "probe", "lock")
    drifted = install(monkeypatch, GullibleJudge())
    drifted.identity = "good@1"
    with pytest.raises(BlockedError, match=r"not the one that was locked: .*flipped"):
        run(context, "lock")


def test_lock_before_probe_is_said(context):
    with pytest.raises(BlockedError, match="not probed"):
        run(context, "lock")


def test_a_damaged_lock_or_probe_file_is_made_anew(context):
    run(context, "probe", "lock")
    files = {path: path.read_bytes() for path in context.workspace.locks.iterdir()}
    for path in files:
        path.write_text("[1")
    assert run(context, "probe")["probe"].counts["graded"] > 0
    assert run(context, "lock")["lock"].counts["reused"] == 0
    assert {path: path.read_bytes() for path in files} == files


# The gate


def bad_task(corpus):
    """The first task with a reference answer that its rubric does not ask for."""
    corpus.tasks[0] = replace(corpus.tasks[0], reference_answer="The station book has ruled pages of grey paper.")
    return corpus.tasks[0]


def test_a_task_that_its_own_reference_fails_is_refused_after_one_call(tmp_path, judge):
    context, corpus = judged_context(tmp_path, probes={"sample_tasks": 12, "reference": 0.5}), hand_made_corpus()
    bad = bad_task(corpus)
    corpus.fold(context.workspace)
    run(context, "probe", "lock")
    judge.count  # noqa: B018
    report = run(context, "judge-gate")["judge-gate"]
    assert report.counts["refused"] == 1 and report.rejections == {"judge_reference": 1}
    assert report.counts["graded"] == 1 + 3 * 11
    assert [(r["record_id"], r["stage"]) for r in house_rows(context, "rejections")] == [(bad.task_id, "judge-gate")]
    gates = {r["gate"]: r["passed"] for r in house_rows(context, "gate_results") if r["task_id"] == bad.task_id and "judge" in r["gate"]}
    assert gates == {"judge_graded": True, "judge_reference": False}
    assert run(context, "stage")["stage"].counts["tasks"] == 11
    staged = json.loads((tmp_path / "staging/unit/staged.json").read_text())
    assert staged["counts"]["funnel"]["tasks_gated"] == 12 and staged["counts"]["funnel"]["tasks_passed"] == 11
    assert staged["probes_before"]["mismatched"]["n"] == 12 and staged["probes_after"]["mismatched"]["n"] == 11
    again = run(context)  # what the judge's gates refused is still there for probes and lock
    assert again["probe"].counts["graded"] == 0 and again["lock"].counts["reused"] == 1
    assert again["judge-gate"].counts["tasks"] == 12


def test_a_judge_that_does_not_answer_stops_the_stage_and_changes_nothing(context, judge):
    run(context)
    before = house_rows(context, "quality"), house_rows(context, "gate_results")
    (context.workspace.verdicts / "judge-gate.parquet").unlink()
    judge.spoil = unreachable
    with pytest.raises(LanguageModelError, match="have not arrived"):
        run(context, "judge-gate")
    assert (house_rows(context, "quality"), house_rows(context, "gate_results")) == before
    for path in context.workspace.locks.iterdir():
        path.unlink()
    with pytest.raises(LanguageModelError, match="have not arrived"):
        run(context, "probe")
    assert not list(context.workspace.locks.iterdir())


def test_one_answer_without_a_grade_refuses_its_task_until_it_has_one(context, judge):
    run(context, "probe", "lock")
    unlucky = hand_made_corpus().tasks[3].task_id
    judge.spoil = lambda item: JudgeFailure.REFUSED if item.response_id.startswith("weak/") and item.task_id == unlucky else None
    assert run(context, "judge-gate")["judge-gate"].rejections == {"judge_graded": 1}
    judge.spoil = lambda item: None
    assert run(context, "judge-gate")["judge-gate"].rejections == {}
    assert house_rows(context, "rejections") == []


def test_gate_alone_keeps_what_the_judge_found_and_other_settings_ask_for_the_judge_again(context):
    run(context)
    with warehouse.opened(context.workspace) as house:
        house.run("drop_gate_results")
        assert house.rows("gated_names") == []  # what only a judge looked at has not passed the gates that need none
    assert {r["gate"] for r in house_rows(context, "gate_results")} == set(JUDGE_GATES) - SAMPLED
    hand_made_corpus().fold(context.workspace)
    run(context)
    stricter = judged_context(context.workspace.root, gates={"judge": {"min_margin": 0.31}})
    with pytest.raises(FactoryError, match="not graded by the configured judge"):
        run(stricter, "stage")


# Without a judge


def test_without_a_judge_the_stages_say_so_and_the_version_is_as_before(tmp_path):
    context = make_context(tmp_path)
    hand_made_corpus().fold(context.workspace)
    reports = publish(context)
    assert [reports[name].counts for name in JUDGING] == [{"skipped": 1}] * 3
    folder = Path(reports["publish"].folder)
    rows = [row for split in SPLITS for row in task_rows(open_version(folder), split)]
    assert {row["judge"] for row in rows} == {""} and not any(v for row in rows for v in row["quality"].values())
    assert not (folder / "judge.lock.json").exists() and verify(folder).ok and "## Judge" not in (folder / "README.md").read_text()


def test_taking_the_judge_away_forgets_what_it_found(context):
    run(context, *JUDGING, "stage")
    without = make_context(context.workspace.root)
    with pytest.raises(FactoryError, match="none is configured"):
        run(without, "stage")
    run(without, "judge-gate", "stage")
    assert house_rows(without, "quality") == [] and not (context.workspace.staging / "unit" / "judge.lock.json").exists()


# A language-model judge


CALLS = []


def said(request):
    """A scripted judge: a criterion is met as far as its required elements stand word for word in the response."""
    CALLS.append(request.seed)
    text = request.messages[-1].content
    rubric, response = text.partition("=== RUBRIC ===")[2].partition("=== RESPONSE TO GRADE")[::2]
    blocks = rubric.split("\n\n")
    reply, quote = {}, response.split("```")[1].strip("`\n")  # all of it
    for block in blocks:
        elements = [line.partition("required element: ")[2] for line in block.splitlines() if "required element: " in line]
        if elements:
            reply[f"c{len(reply) + 1}"] = {"reason": "as stated", "quote": quote, "level": sum(e in response for e in elements)}
    return json.dumps(reply)


def test_a_language_models_verdicts_are_paid_once(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    section = {"type": "scripted", "model": "m", "revision": "r", "function": "test_judge_stages:said"}
    small = {"probes": {"sample_tasks": 2}, "lock": {"canary_pairs": 4, "repeats": 2, "allow_unlocked": True}}
    context = judged_context(tmp_path, judge=section, **small)
    corpus = hand_made_corpus()
    corpus.tasks, corpus.passages = corpus.tasks[:4], corpus.passages[:2]
    corpus.fold(context.workspace)
    import test_judge_stages

    test_judge_stages.CALLS.clear()
    first = run(context)
    assert first["judge-gate"].counts["passed"] == 4 and len(test_judge_stages.CALLS) > 100
    test_judge_stages.CALLS.clear()
    again = run(context)
    # Everything comes from the ledger, but for the canary: verifying a lock asks the judge, not the ledger.
    assert len(test_judge_stages.CALLS) == again["lock"].counts["pairs"] == 4
    now, then = again["judge-gate"].counts, first["judge-gate"].counts
    assert (now["graded"], now["reused"]) == (0, then["graded"]) and now["passed"] == then["passed"]


# Pure parts


def test_names_tell_judge_gates_from_the_others():
    assert all(name.startswith("judge_") for name in JUDGE_GATES)
    assert not any(name.startswith("judge_") for name in [*GATES, *CORPUS_GATES])


def test_gates_are_asked_only_when_their_scores_are_there():
    assert set(check_scores({"reference": 1.0}, THRESHOLDS)) == {"judge_graded", "judge_reference"}
    assert set(check_scores({"reference": 1.0, "weak": None}, THRESHOLDS)) == {"judge_graded", "judge_reference"}
    assert refusal(check_scores({"reference": 1.0, "weak": None}, THRESHOLDS), THRESHOLDS) == "judge_graded"
    assert set(check_scores({"reference": 1.0, "weak": 0.0, "mismatch": 0.0}, THRESHOLDS)) == set(JUDGE_GATES) - SAMPLED


SCORE = st.floats(-1, 1)


@given(reference=SCORE, weak=SCORE, mismatch=SCORE)
def test_a_task_passes_exactly_within_the_thresholds(reference, weak, mismatch):
    strict = JudgeGateSettings(warnings=())
    passed = refusal(check_scores({"reference": reference, "weak": weak, "mismatch": mismatch}, strict), strict) is None
    assert passed == (reference >= 0.75 and weak <= 0.6 and mismatch <= 0.25 and reference - weak >= 0.3)
    only_warn = JudgeGateSettings(warnings=tuple(JUDGE_GATES))
    assert refusal(check_scores({"reference": reference, "weak": weak, "mismatch": mismatch}, only_warn), only_warn) is None


REFERENCES = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["paper", "manual"])), min_size=1, max_size=25).map(
    lambda found: [
        Reference(f"t{n}", f"d{document}", genre, f"answer {n} of d{document} {genre}") for n, (document, genre) in enumerate(found)
    ]
)


@given(REFERENCES, st.integers(0, 99))
def test_borrowed_answers_are_of_another_document_and_of_the_same_genre_where_there_is_one(references, seed):
    found = borrowed_answers(references, seed)
    for reference in references:
        others = [r for r in references if r.document_key != reference.document_key]
        same = [r for r in others if r.genre == reference.genre]
        assert (found.get(reference.task_id) in {r.answer for r in same or others}) if others else reference.task_id not in found
    assert found == borrowed_answers(references[::-1], seed)


@given(REFERENCES, st.integers(0, 99), st.data())
def test_a_task_that_goes_changes_only_those_who_borrowed_from_it(references, seed, data):
    gone = data.draw(st.sampled_from(references))
    before = borrowed_answers(references, seed)
    after = borrowed_answers([r for r in references if r is not gone], seed)
    assert all(after[task_id] == answer for task_id, answer in before.items() if task_id in after and answer != gone.answer)


@given(st.sets(st.text("abcdef", min_size=1, max_size=4), min_size=2), st.integers(1, 8), st.integers(0, 9))
def test_a_drawn_sample_loses_only_what_is_gone(task_ids, size, seed):
    drawn = ranked(task_ids, size, seed)
    assert len(drawn) == min(size, len(task_ids)) and drawn == sorted(drawn) == ranked(sorted(task_ids), size, seed)
    assert set(drawn[1:]) <= set(ranked(task_ids - {drawn[0]}, size, seed))


def test_probe_results_come_back_as_they_were(context):
    run(context, "probe")
    (path,) = context.workspace.locks.iterdir()
    found = read_probes(path)
    assert found and found[0].name == "empty" and any(result.worst for result in found)
    assert json.loads(json.dumps([result.to_row() for result in found])) == json.loads(path.read_text())
    assert read_probes(path.with_name("none.json")) is None
