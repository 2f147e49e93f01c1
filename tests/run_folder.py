"""A synthetic run folder for tests: the files that training leaves, with rewards that rise and one hostile response."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.evaluation import EVALUATION
from rubric_factory.tables import VERDICTS
from training.reward import ROLLOUTS

ARMS = {"base": 0.20, "tuned": 0.31, "constant": 0.12, "echo": 0.0, "length": 0.19}


def interval(mean, width=0.04, n=40):
    return {"mean": mean, "ci95_low": mean - width, "ci95_high": mean + width, "n": n, "ungraded": 0}


def verdict(task_id, response_id, number, level, weight):
    return dict.fromkeys(VERDICTS.names) | {
        "task_id": task_id,
        "response_id": response_id,
        "criterion_key": f"{task_id}/{number}",
        "level": level,
        "max_level": 2 if weight > 0 else 1,
        "weight": weight,
        "reason": "",
        "judge": "lexical@1",
    }


def write(folder, name, rows, schema):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / name)


def make_run(folder, *, steps=12, hostile="", finished=True, dataset="gone", fingerprint="f" * 64):
    """steps of 4 rollouts on two tasks; criterion 0 rises, 1 is never met, 2 (negative weight) always."""
    folder.mkdir(parents=True)
    training = {"steps": steps, "learning_rate": 1e-4, "policy": {"type": "made", "width": 192}, "python": "/opt/python"}
    spec = {"run_id": folder.name, "variant": "tuned", "seed": 3, "content_fingerprint": fingerprint, "lock_digest": "e" * 64}
    spec |= {"dataset": str(dataset), "training": training, "judge": {"type": "lexical", "api_key_env": "SECRET"}}
    (folder / "run.json").write_text(json.dumps(spec))
    lines = [{"phase": "reading", "step": step, "steps": 3, "loss": 5.0 - step} for step in (1, 2, 3)]
    for step in range(1, steps + 1):
        row = {"phase": "grpo", "step": step, "steps": steps, "reward": 0.1 + 0.2 * step / steps, "loss": 0.01, "ungraded_share": 0.0}
        lines.append(row | {"completions/mean_length": 20.0 + step, "kl": float("nan")})
        rollouts, verdicts = [], []
        for index in range(4):
            task, response_id = f"task-{index % 2}", f"{step}-0-{index}"
            text = hostile or f"answer {step} {index} " + "word " * step
            rollouts.append({"step": step, "task_id": task, "response_id": response_id, "response": text, "words": len(text.split())})
            rollouts[-1] |= {"tokens": 20, "reward": None if index == 3 else step / steps - 0.1 * index, "outcome": "graded"}
            verdicts += [verdict(task, response_id, 0, min(2, 3 * step // steps), 3), verdict(task, response_id, 1, 0, 2)]
            verdicts.append(verdict(task, response_id, 2, 1, -1))
        write(folder, f"rollouts/step-{step:06d}-rank0.parquet", rollouts, ROLLOUTS)
        write(folder, f"verdicts/step-{step:06d}-rank0.parquet", verdicts, VERDICTS)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"phase": "grpo", "st')
    if finished:
        rows = [
            {"arm": arm, "seed": 3, "task_id": "task-9", "document_key": "d", "reward": mean, "response": hostile or "x", "words": 1}
            for arm, mean in ARMS.items()
        ]
        write(folder, "evaluation.parquet", rows, EVALUATION)
        held_out = [verdict("task-9", f"{arm}-3-{n}", 0, 2 if arm == "tuned" else 1, 3) for n, arm in enumerate(ARMS)]
        write(folder, "evaluation_verdicts.parquet", held_out, VERDICTS)
        summary = {"heldout_reward": {arm: interval(mean) for arm, mean in ARMS.items()}, "run_id": folder.name, "variant": "tuned"}
        summary |= {"rl_train_reward": {"base": interval(0.2), "tuned": interval(0.5)}, "seed": 3}
        summary |= {"tuned_minus_base": interval(0.11), "tuned_minus_constant": interval(0.19)}
        (folder / "summary.json").write_text(json.dumps(summary))
    return folder
