"""A whole run as the process it is: killed in the middle and resumed, finished, not done twice; and what the policy may be fed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from training_case import tiny_spec

from rubric_factory.errors import DatasetError
from rubric_factory.evaluation import arm_means


def start(folder: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    with (folder / "train.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-P", "-m", "training.run", str(folder)], stdout=log, stderr=log, env=environment)


def metrics(folder: Path, phase: str) -> list[int]:
    path = folder / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return [row["step"] for row in rows if row["phase"] == phase]


def test_a_killed_run_resumes_at_its_checkpoint_and_ends_as_any_other(tmp_path):
    spec = tiny_spec(tmp_path)
    folder = tmp_path / "run"
    folder.mkdir()
    spec.save(folder)
    process = start(folder)
    while process.poll() is None and not list((folder / "checkpoints").glob("checkpoint-*/trainer_state.json")):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "summary.json").exists(), "the run was over before it could be killed"
    assert start(folder).wait() == 0, (folder / "train.log").read_text(encoding="utf-8")[-2000:]
    assert metrics(folder, "grpo") == [1, 2, 3]
    rows = pq.read_table(folder / "evaluation.parquet").to_pylist()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert {row["arm"] for row in rows} == {"base", "tuned", "constant", "echo", "length"}
    assert summary["heldout_reward"] == arm_means(rows, spec.seed)
    assert len(list((folder / "rollouts").glob("*.parquet"))) == len(list((folder / "verdicts").glob("*.parquet"))) == 3
    length = {r["task_id"]: r["words"] for r in rows if r["arm"] == "length"}
    tuned = {r["task_id"]: r["words"] for r in rows if r["arm"] == "tuned"}
    assert all(length[task] <= tuned[task] for task in tuned)
    steps = pq.read_table(folder / "metrics.parquet", filters=[("phase", "=", "grpo")])
    assert steps.column("step").to_pylist() == [1.0, 2.0, 3.0]
    assert steps.column("reward").null_count == 0
    before = (folder / "evaluation.parquet").stat().st_mtime_ns
    assert start(folder).wait() == 0
    assert (folder / "evaluation.parquet").stat().st_mtime_ns == before


def test_tokens_that_are_no_published_prompt_are_refused():
    from training.grpo import QuestionOnlyTrainer

    trainer = object.__new__(QuestionOnlyTrainer)
    trainer.published = frozenset({(1, 2, 3)})
    with pytest.raises(DatasetError, match="no published prompt"):
        trainer._generate_single_turn([[1, 2, 3], [1, 2, 3, 4]])
