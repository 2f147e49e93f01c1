"""The experiment's report: recomputed from the kept tables, every row once; wrong words are one line."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.experiment import EXPERIMENTS, main, report, table
from rubric_factory.evaluation import EVALUATION
from rubric_factory.settings import load_settings


def kept(folder, variant, seed, arms):
    rows = [
        {"arm": arm, "seed": seed, "task_id": f"t{i}", "document_key": f"d{i % 3}", "reward": value, "response": "", "words": 0}
        for arm, value in arms.items()
        for i in range(6)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-rl-tasks"):
        pq.write_table(pa.Table.from_pylist(rows, schema=EVALUATION), folder / f"{variant}-seed{seed}{suffix}.parquet")


def test_the_report_counts_every_row_once(tmp_path):
    control = EXPERIMENTS[0]
    for seed in (1, 2):
        kept(tmp_path / control.name, "tuned", seed, {"base": 0.1, "tuned": 0.4, "echo": 0.0})
        kept(tmp_path / control.name, "shuffled", seed, {"base": 0.1, "shuffled": 0.15})
    found = report(control, tmp_path)
    assert found["seeds"] == [1, 2]
    assert {arm: row["n"] for arm, row in found["heldout_reward"].items()} == {"base": 12, "tuned": 12, "echo": 12, "shuffled": 12}
    assert found["differences"]["tuned - base"]["mean"] == pytest.approx(0.3)
    assert found["differences"]["tuned - shuffled"]["ci95_low"] == pytest.approx(0.25)
    assert json.loads((tmp_path / control.name / "summary.json").read_text()) == found
    assert "| tuned - base | 0.300 | [0.300, 0.300] | 12 |" in table(found)


def test_a_missing_arm_is_said_not_guessed(tmp_path):
    kept(tmp_path / EXPERIMENTS[0].name, "tuned", 1, {"base": 0.1, "tuned": 0.4})
    found = report(EXPERIMENTS[0], tmp_path)
    assert found["differences"]["tuned - shuffled"]["mean"] is None
    assert "| tuned - shuffled | no pairs | | 0 |" in table(found)


def test_unknown_arms_are_refused(capsys):
    assert main(["--arms", "tuned sideways"]) == 2
    assert "unknown arms" in capsys.readouterr().err


def test_both_experiments_have_a_configuration_that_trains_and_the_same_sides():
    from importlib.resources import files

    found = [load_settings(files("configs").joinpath(f"{e.name}.toml")) for e in EXPERIMENTS]
    assert all(s.training is not None and s.judge is not None for s in found)
    assert found[0].seed == found[1].seed
    assert found[0].publish.test_share == found[1].publish.test_share
