"""What a training run would take, before it takes anything: rollouts, judge calls and their rate, memory, prompts; measured or said so.

Measured: counted in the version, read from earlier runs of the same policy, or timed on a few references graded just now.
"""

import json
import secrets
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from flows import policies
from flows.estimate import Estimate
from rubric_factory import dataset_version
from rubric_factory.evaluation import GradedTask, graded_tasks
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import read_lock
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.ledger import Ledger
from rubric_factory.runs import RunSpec
from rubric_factory.settings.judge import calls_a_grading, single_judges
from rubric_factory.settings.training import MadePolicy
from rubric_factory.workspace import Workspace

TIMED_REFERENCES = 16
# Arms that a policy writes: base and tuned on both sides, length on the held-out one; echo and constant are judged once a held-out task.
TRAIN_ARMS, TEST_ARMS, PLAIN_ARMS = 2, 3, 2
# Gradings of a draw that no earlier one has: the judge is asked, not the ledger.
_DRAWS = (200_000_000, 100_000_000)


def _calls(estimate: Estimate, spec: RunSpec, sizes: dict[str, int]) -> None:
    training = spec.training
    rollouts = training.prompts * training.group
    pairs = len(read_lock(spec.lock).pairs)
    canary = pairs * (1 + training.steps // training.canary_steps)
    written = training.evaluation.samples * (TRAIN_ARMS * sizes["train"] + TEST_ARMS * sizes["test"])
    judged = written + PLAIN_ARMS * sizes["test"]
    each = single_judges(spec.judge)
    judges = sum(map(calls_a_grading, each))
    members = f", by each of {len(each)} judges of the ensemble" if len(each) > 1 else ""
    members += ", an upper bound where a judge reflects" if judges > len(each) else ""
    estimate.add("steps", training.steps, "configured")
    estimate.add("rollouts_per_step", rollouts, f"configured: {training.prompts} prompts of {training.group} rollouts")
    estimate.add("rollouts", rollouts * training.steps, "steps times rollouts of a step")
    estimate.add("judge_calls_per_step", judges * rollouts, f"one grading a rollout, all criteria in it{members}")
    checks = f"{pairs} pairs of the lock, at the start and every {training.canary_steps} steps{members}"
    estimate.add("judge_calls_canary", judges * canary, checks)
    estimate.add(
        "judge_calls_evaluation",
        judges * judged,
        f"{training.evaluation.samples} samples of each arm{members}; fitting the constant answer comes on top",
    )
    total = judges * (rollouts * training.steps + canary + judged)
    estimate.add("judge_calls", total, "all of these, without tries after a bad reply")


def _same_policy(spec: RunSpec, folder: Path) -> bool:
    try:
        raw = json.loads((folder / "run.json").read_text(encoding="utf-8"))["training"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    own = spec.training.model_dump(mode="json")
    return all(raw.get(key) == own[key] for key in ("policy", "prompts", "group", "max_response_tokens", "processes"))


def step_seconds(spec: RunSpec, runs: Path) -> tuple[float, float] | None:
    """Median seconds of a GRPO step and of the judging in it, over earlier runs of the same policy and step size; None without one."""
    steps: list[float] = []
    judging: list[float] = []
    for folder in sorted(path.parent for path in runs.glob("*/metrics.jsonl")):
        if not _same_policy(spec, folder):
            continue
        last = 0.0
        for line in (folder / "metrics.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
            row: dict[str, Any] = json.loads(line) if line.endswith("}") else {}
            if row.get("phase") == "grpo" and "seconds" in row:
                if row["seconds"] > last:  # a resumed process counts from zero again
                    steps.append(row["seconds"] - last)
                    judging.append(row.get("judge_seconds", 0.0))
                last = row["seconds"]
    return (median(steps), median(judging)) if steps else None


def _measured_rate(spec: RunSpec, tasks: list[GradedTask], workspace: Workspace) -> tuple[float, int]:
    """Gradings a second of the configured judge (of all members of an ensemble) on a few references, and how many got no grade."""
    draw = _DRAWS[0] + secrets.randbelow(_DRAWS[1])
    batch = [
        replace(JudgeInput.of(t.task, t.passage, t.task.reference_answer, f"rate-{i}"), draw=draw)
        for i, t in enumerate(tasks[:TIMED_REFERENCES])
    ]
    workspace.create()
    with Ledger(workspace.ledger) as ledger:
        judge = open_judge(spec.judge, ledger, stage="estimate")
        started = time.monotonic()
        judged = judge.grade_many(batch)
        seconds = time.monotonic() - started
    gradings = len(batch) * len(single_judges(spec.judge))
    return gradings / max(seconds, 1e-6), sum(1 for judgement in judged if judgement.failure is not None)


def _rates(estimate: Estimate, spec: RunSpec, tasks: list[GradedTask], workspace: Workspace) -> None:
    found = step_seconds(spec, workspace.runs)
    if found is None:
        estimate.add("step_seconds", None, "unknown: no earlier run of this policy and step size in the workspace")
        estimate.add("judge_calls_per_second_needed", None, "unknown until one step was timed")
    else:
        rest = max(found[0] - found[1], 1e-6)
        estimate.add("step_seconds", round(found[0], 2), "median of earlier runs of this policy")
        needed = estimate.figures["judge_calls_per_step"] / rest
        estimate.add(
            "judge_calls_per_second_needed", round(needed, 2), f"so that judging takes no longer than the other {rest:.2f} s of a step"
        )
    rate, ungraded = _measured_rate(spec, tasks, workspace)
    basis = f"measured now on {min(len(tasks), TIMED_REFERENCES)} references, in one batch"
    estimate.add("judge_calls_per_second_measured", round(rate, 2), basis + (f"; {ungraded} without a grade" if ungraded else ""))


def _memory(estimate: Estimate, spec: RunSpec) -> None:
    training = spec.training
    parameters, how = policies.parameter_count(training.policy)
    estimate.add("parameters", parameters, how)
    width = policies.BYTES["float32" if isinstance(training.policy, MadePolicy) else training.policy.dtype]
    parts = {"weights": 1, "gradients": 1, "optimiser": 2, "reference": 1 if training.beta > 0 else 0}
    for name, copies in parts.items():
        value = None if parameters is None else round(parameters * width * copies / 2**20, 1)
        estimate.add(f"{name}_mb", value, f"{copies} × {width} bytes a parameter, on every process")
    total = None if parameters is None else round(parameters * width * sum(parts.values()) / 2**20, 1)
    estimate.add("memory_mb", total, "sum of these; activations and generation come on top")


def _prompts(estimate: Estimate, spec: RunSpec, tasks: list[GradedTask]) -> None:
    limit = spec.training.max_prompt_tokens
    prompts = [[{"role": m.role, "content": m.content} for m in t.task.prompt] for t in tasks]
    left_out, how = policies.prompts_over(spec.training.policy, spec.policies, prompts, limit)
    estimate.add("train_prompts", len(tasks), "measured: tasks of the train split")
    estimate.add("train_prompts_too_long", left_out, f"longer than {limit} tokens; {how}")


def estimate_training(spec: RunSpec, workspace: Workspace) -> Estimate:
    """Figures of a run. Nothing is started; a few references are graded now. Errors: DatasetError, LanguageModelError."""
    version = dataset_version.open_version(spec.dataset)
    sides = {split: list(graded_tasks(version, split).values()) for split in ("train", "validation", "test")}
    estimate = Estimate({}, {})
    _calls(estimate, spec, {split: len(tasks) for split, tasks in sides.items()})
    _rates(estimate, spec, sides["train"], workspace)
    _memory(estimate, spec)
    _prompts(estimate, spec, sides["train"])
    return estimate
