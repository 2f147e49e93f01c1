"""One run from start to end, as a process: `python -P -m training.run RUN_FOLDER`; resumes where an earlier one stopped.

Phases: base policy, GRPO, evaluation on held-out tasks and on RL's own tasks. Exit codes are those of rubric_factory.errors.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import BlockedError, FactoryError
from rubric_factory.evaluation import EVALUATION, arm_means, grade, paired_difference
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import JudgeLock, read_lock, verify_lock
from rubric_factory.judging.protocol import Judge
from rubric_factory.runs import RunSpec
from rubric_factory.tables import VERDICTS, judgement_rows
from rubric_factory.workspace import atomic_path, write_text
from training.data import VersionData


class Metrics:
    """metrics.jsonl, one flushed line per report: what `train` tails and run.html draws."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "metrics.jsonl"

    def __call__(self, row: dict[str, Any]) -> None:
        """Append one row."""
        with self._path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({**row, "time": time.time()}) + "\n")


def locked(spec: RunSpec, judge: Judge) -> JudgeLock:
    """The run's lock, verified: nobody trains or evaluates under another judge. Errors: BlockedError, DatasetError."""
    lock = read_lock(spec.lock)
    if lock.digest != spec.lock_digest:
        raise BlockedError(f"{spec.lock} is another lock than this run was made for", expected=spec.lock_digest[:12], fix="start a new run")
    report = verify_lock(judge, lock)
    if not report.passed:
        raise BlockedError(f"the judge is not the locked one: {report.detail}", expected=f"the judge of {spec.lock}", fix="make a new lock")
    return lock


def _evaluate(spec: RunSpec, folder: Path, data: VersionData, judge: Judge, base: Path, tuned: Path, split: str) -> list[dict[str, Any]]:
    """Responses of every arm on one split, judged; evaluation.parquet (test) or rl_tasks.parquet (train)."""
    from training import arms

    name = "evaluation" if split == "test" else "rl_tasks"
    path = folder / f"{name}.parquet"
    if path.exists():
        return pq.read_table(path).to_pylist()
    responses = arms.policy_responses(spec, data, base, tuned, split)
    if split == "test":
        tasks = data.split(split)
        responses += arms.echo_responses(spec, tasks) + arms.constant_responses(spec, data, tasks, judge)
    rows, judgements = grade(data.graded, responses, judge, aggregation=spec.training.aggregation)
    verdicts = [
        row
        for response, judgement in zip(responses, judgements, strict=True)
        for row in judgement_rows(judgement, data.graded[response.task_id].task.rubric)
    ]
    with atomic_path(folder / f"{name}_verdicts.parquet") as part:
        pq.write_table(pa.Table.from_pylist(verdicts, schema=VERDICTS), part)
    with atomic_path(path) as part:
        pq.write_table(pa.Table.from_pylist(rows, schema=EVALUATION), part)
    return rows


def metrics_table(folder: Path) -> None:
    """metrics.parquet: the lines of metrics.jsonl as one table, a column a figure, null where a phase has none."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [("phase", pa.string()), *((name, pa.float64()) for name in names if name != "phase")]
    table = pa.Table.from_pylist(rows, schema=pa.schema(columns))
    with atomic_path(folder / "metrics.parquet") as part:
        pq.write_table(table, part)


def _summary(spec: RunSpec, held_out: list[dict[str, Any]], own: list[dict[str, Any]]) -> dict[str, Any]:
    heldout = arm_means(held_out, spec.seed)
    return {
        "run_id": spec.run_id,
        "variant": spec.variant,
        "seed": spec.seed,
        "content_fingerprint": spec.content_fingerprint,
        "lock_digest": spec.lock_digest,
        "heldout_reward": heldout,
        "rl_train_reward": arm_means(own, spec.seed),
        **{
            f"{spec.variant}_minus_{other}": paired_difference(held_out, spec.variant, other, spec.seed)
            for other in ("base", "constant")
            if other in heldout
        },
    }


def run(folder: Path) -> None:
    """All phases of the run in `folder`; what is finished is skipped. Errors: FactoryError."""
    spec = RunSpec.load(folder)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    data, judge, report = VersionData.open(spec), open_judge(spec.judge, None), Metrics(folder)
    lock = locked(spec, judge)
    import torch

    from training import grpo, policy
    from training.canary import CanaryCallback

    torch.set_num_threads(spec.training.threads)
    base = policy.base_policy(spec, data, report)
    tuned = grpo.train(spec, folder, base, data, judge, [CanaryCallback(judge, lock, spec.training.canary_steps)])
    if int(os.environ.get("RANK", "0")) != 0:
        return
    report({"phase": "evaluation", "step": 0, "steps": 2})
    own = _evaluate(spec, folder, data, judge, base, tuned, "train")
    report({"phase": "evaluation", "step": 1, "steps": 2})
    held_out = _evaluate(spec, folder, data, judge, base, tuned, "test")
    report({"phase": "evaluation", "step": 2, "steps": 2})
    metrics_table(folder)
    write_text(folder / "summary.json", json.dumps(_summary(spec, held_out, own), indent=2, sort_keys=True) + "\n")


def main(arguments: list[str]) -> int:
    """Process boundary: one line on stderr and the error's exit code."""
    if len(arguments) != 1:
        sys.stderr.write("error: usage: python -P -m training.run RUN_FOLDER\n")
        return 2
    try:
        run(Path(arguments[0]))
    except FactoryError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped; run the same command again to continue\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
