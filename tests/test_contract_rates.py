"""Contracts on shares and on stored verdicts: what each band lets through and what it blocks."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factory import make_context, small_corpus
from test_contracts import Staged

from data_contracts import check as check_module
from data_contracts import rates
from data_contracts.check import check
from rubric_factory.dataset_files import load_rows
from rubric_factory.publishing.staged import load_staged
from rubric_factory.settings.gates import GateSettings
from rubric_factory.settings.publish import BandSettings
from rubric_factory.stages.stage import stage
from rubric_factory.tables import SPLITS, VERDICTS

BANDS, GATES = BandSettings(), GateSettings()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    context = make_context(tmp_path_factory.mktemp("rates"))
    small_corpus(8).fold(context.workspace)
    stage(context)
    return context.workspace.staging / "unit"


@pytest.fixture
def rows(folder):
    return load_rows(folder)


def counted(staged, written: int, gated: int, **changes):
    return replace(staged, counts={**staged.counts, "funnel": {"tasks_written": written, "tasks_gated": gated}}, **changes)


def test_refusal_rates_of_all_gates_together(folder):
    staged = counted(load_staged(folder), 100, 10, gates={})
    assert list(rates.refusal_rates(staged, BANDS)) == []
    assert len(list(rates.refusal_rates(counted(staged, 100, 9), BANDS))) == 1
    assert list(rates.refusal_rates(counted(staged, 49, 0), BANDS)) == [], "too few to say anything"
    narrow = BandSettings(refused=(0.05, 0.9))
    assert list(rates.refusal_rates(counted(staged, 100, 95), narrow)) == []
    assert "0.04 of the tasks" in next(rates.refusal_rates(counted(staged, 100, 96), narrow))


def test_refusal_rate_of_one_gate_counts_errors_alone(folder):
    gates = {"a": {"severity": "error", "checked": 100, "refused": 60}, "b": {"severity": "warning", "checked": 100, "refused": 99}}
    staged = counted(load_staged(folder), 0, 0, gates=gates)
    assert list(rates.refusal_rates(staged, BANDS)) == []
    gates["a"]["refused"] = 61
    assert list(rates.refusal_rates(staged, BANDS)) == ["a: 61 of 100 tasks refused, allowed 0.6"]


def test_judge_failures(folder):
    def failed(count: int, judge: str = "j@1") -> list[str]:
        staged = counted(load_staged(folder), 200, 100, judge=judge, rejections={"judge-gate": {"judge_graded": count}})
        return list(rates.judge_failures(staged, BANDS))

    assert failed(5) == [] == failed(50, judge="") and failed(6) == ["judge: 6 of 100 tasks without a grade, allowed 0.05"]


def test_weight_shares(rows):
    lenient = GateSettings(max_top_share=1.0)
    assert list(rates.weight_shares(rows, lenient, BANDS)) == []
    assert len(list(rates.weight_shares(rows, GATES, BANDS))) == sum(len(rows.tasks[split]) for split in SPLITS)
    rubric = rows.tasks["train"][0]["rubric"]
    rubric[1]["weight"] = -6
    assert [line.rpartition(": ")[2] for line in rates.weight_shares(rows, lenient, BANDS)] == ["top share 1.00, pitfall share 1.20"]
    assert "absence-type" in list(rates.weight_shares(rows, lenient, BandSettings(absence_type=0.1)))[-1]


def test_questions_apart(rows):
    tasks = [row for split in SPLITS for row in rows.tasks[split]]
    for number, row in enumerate(tasks):
        row["question"] = f"Why does part{number} of machine{number} fail under load{number}?"
    assert list(rates.questions_apart(rows, GATES, BANDS)) == []
    tasks[3]["question"] = tasks[2]["question"].replace("Why does", "Why would")
    found = list(rates.questions_apart(rows, GATES, BANDS))
    assert len(found) == 1 and ": similarity 1.00 to " in found[0]
    assert list(rates.questions_apart(rows, GATES, BandSettings(duplicate_questions=0.1))) == []


def test_release_blocks_on_shares_that_standard_warns_of(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(check_module, "_expectations", lambda *_: [])
    found = {profile: check(folder, profile, datasets=tmp_path) for profile in ("standard", "release")}
    for name in ("weight_shares", "questions_apart"):
        severity = {p: next(c.severity for c in report.checks if c.check == name and not c.success) for p, report in found.items()}
        assert severity == {"standard": "warning", "release": "error"}


# Stored verdicts


def verdict(task: dict, **changes) -> dict:
    criterion = task["rubric"][0]
    base = dict.fromkeys(VERDICTS.names) | {"task_id": task["task_id"], "criterion_key": criterion["criterion_key"], "judge": "j@1"}
    base |= {"response_id": f"reference/{task['task_id']}", "level": 2, "max_level": 2, "weight": 5, "category": "essential"}
    return {**base, **changes}


BROKEN = {
    "of_rubric": {"criterion_key": "papers/other.pdf#s0/0/0"},
    "level_or_failure": {"level": None},
    "on_scale": {"level": 3},
    "known_failure": {"level": None, "failure": "tired"},
    "by_the_judge": {"judge": "k@2"},
}


@pytest.fixture(scope="module")
def judged(folder, tmp_path_factory):
    """A staged folder that names a judge, as far as staged.json goes."""
    staged = Staged(folder)
    for split in SPLITS:
        for row in staged.rows["tasks"][split]:
            row["judge"] = "j@1"
    staged.staged["judge"] = "j@1"
    staged.save()
    return folder, [row for split in SPLITS for row in staged.rows["tasks"][split]], tmp_path_factory.mktemp("stored") / "v.parquet"


def failed_of_verdicts(judged, rows: list[dict], tmp_path, profile: str = "standard") -> set[str]:
    folder, _, path = judged
    pq.write_table(pa.Table.from_pylist(rows, schema=VERDICTS), path)
    report = check(folder, profile, datasets=tmp_path, stored=path)
    assert any(c.table == "verdicts" for c in report.checks)
    return {c.check for c in report.failed if c.table == "verdicts" or c.check == "verdicts_kept"}


def test_sound_verdicts_pass_and_missing_ones_block_a_release(judged, tmp_path):
    tasks = judged[1]
    assert failed_of_verdicts(judged, [verdict(task) for task in tasks], tmp_path, "release") == set()
    assert failed_of_verdicts(judged, [verdict(task) for task in tasks[1:]], tmp_path, "release") == {"verdicts_kept"}
    failed = verdict(tasks[0], level=None, failure="timeout")
    assert failed_of_verdicts(judged, [failed, *map(verdict, tasks[1:])], tmp_path) == set()


@pytest.mark.parametrize("column", [*BROKEN, "once"])
def test_a_broken_verdict_blocks(judged, column, tmp_path):
    tasks = judged[1]
    rows = [verdict(task) for task in tasks]
    rows = [*rows, rows[0]] if column == "once" else [{**rows[0], **BROKEN[column]}, *rows[1:]]
    assert failed_of_verdicts(judged, rows, tmp_path) == {f"column_values_to_be_in_set:{column}"}
