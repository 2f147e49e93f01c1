"""Responses to scores to intervals: the same for a trained run, a served model, or a file of answers."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from rubric_factory import dataset_version
from rubric_factory.intervals import crossed_bootstrap
from rubric_factory.judging.failures import decide
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.llm.protocol import CompletionFailure, LanguageModel, Request
from rubric_factory.records import Category, Criterion, DatasetVersion, JudgeFailure, Judgement, Rating, Task, Verdict
from rubric_factory.settings.llm import Sampling
from rubric_factory.tables import RATING, SPLITS

EVALUATION = pa.schema(
    [
        ("arm", pa.string()),
        ("seed", pa.int64()),
        ("task_id", pa.string()),
        ("document_key", pa.string()),
        ("reward", pa.float64()),
        ("response", pa.string()),
        ("words", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class GradedTask:
    """A task with the hidden passage that its judge sees, and its genre."""

    task: Task
    passage: str
    genre: str


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of one arm (a policy, a control, a served model) to one task, under one seed.

    response_id: its own, where it came with one; else it is named by arm, seed and position.
    """

    arm: str
    seed: int
    task_id: str
    text: str
    response_id: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a served model gave: its answers, how many of them refuse or were cut; and how many never came (asked again next time) or
    were given up (never asked again).
    """

    responses: tuple[Response, ...]
    refused: int
    truncated: int
    given_up: int
    unanswered: int


def ask(model: LanguageModel, tasks: Sequence[Task], sampling: Sampling, *, arm: str, seed: int, samples: int) -> Asked:
    """Answers of a served model: `samples` a task, from its prompt and nothing else.

    A refusal is the model's own doing and an answer (an empty one); a cut answer is graded as it is; what never arrived is none.
    """
    requests = (
        Request(
            request_id=f"{sample}/{task.task_id}",
            messages=task.prompt,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=seed * 1000 + sample,
            subject=task.task_id,
            part=str(sample),
        )
        for task in tasks
        for sample in range(samples)
    )
    found = dict(model.complete(requests))
    answered = (None, CompletionFailure.REFUSED, CompletionFailure.TRUNCATED)
    responses = tuple(
        Response(arm, seed, task.task_id, completion.text)
        for task in tasks
        for sample in range(samples)
        if (completion := found[f"{sample}/{task.task_id}"]).failure in answered
    )
    failures = Counter(completion.failure for completion in found.values())
    refused, truncated, given_up = (failures[CompletionFailure(kind)] for kind in ("refused", "truncated", "given_up"))
    return Asked(responses, refused, truncated, given_up, len(found) - len(responses) - given_up)


def graded_tasks(version: DatasetVersion, *splits: str) -> dict[str, GradedTask]:
    """task_id -> task with hidden passage and genre, of the splits (all, if none is named). Errors: DatasetError."""
    passages = {key: row["text"] for key, row in dataset_version.grounding(version).items()}
    found: dict[str, GradedTask] = {}
    for split in splits or SPLITS:
        genres = {row["task_id"]: row["genre"] for row in dataset_version.task_rows(version, split)}
        for task in dataset_version.tasks(version, split):
            found[task.task_id] = GradedTask(task, passages[task.passage_id], genres[task.task_id])
    return found


def grade(
    tasks: dict[str, GradedTask], responses: Sequence[Response], judge: Judge, *, aggregation: str = "canonical", batch: int = 256
) -> tuple[list[dict[str, Any]], list[Judgement]]:
    """Rows of EVALUATION (reward None where there is no grade: never 0) and the judgements, in the order of the responses."""
    rows: list[dict[str, Any]] = []
    judged: list[Judgement] = []
    for start in range(0, len(responses), batch):
        chosen = responses[start : start + batch]
        items = []
        for offset, response in enumerate(chosen):
            graded = tasks[response.task_id]
            identifier = response.response_id or f"{response.arm}-{response.seed}-{start + offset}"
            items.append(JudgeInput.of(graded.task, graded.passage, response.text, identifier))
        judgements = judge.grade_many(items)
        outcomes = decide([item.rubric for item in items], judgements, aggregation)
        judged.extend(judgements)
        for response, outcome in zip(chosen, outcomes, strict=True):
            rows.append(
                {
                    "arm": response.arm,
                    "seed": response.seed,
                    "task_id": response.task_id,
                    "document_key": tasks[response.task_id].task.document_key,
                    "reward": outcome.reward,
                    "response": response.text,
                    "words": len(response.text.split()),
                }
            )
    return rows, judged


def _interval(rows: Sequence[dict[str, Any]], seed: int) -> dict[str, Any]:
    graded = [r for r in rows if r["reward"] is not None]
    if not graded:
        return {"mean": None, "ci95_low": None, "ci95_high": None, "n": 0, "ungraded": len(rows)}
    found = crossed_bootstrap([r["reward"] for r in graded], [r["document_key"] for r in graded], [r["seed"] for r in graded], seed=seed)
    return {
        "mean": found.mean,
        "ci95_low": found.low,
        "ci95_high": found.high,
        "n": found.n,
        "ungraded": len(rows) - len(graded),
    }


def arm_means(rows: Sequence[dict[str, Any]], seed: int) -> dict[str, dict[str, Any]]:
    """{arm: {mean, ci95_low, ci95_high, n, ungraded}}: the plain mean, unclipped, with an interval over documents and seeds."""
    return {arm: _interval([r for r in rows if r["arm"] == arm], seed) for arm in sorted({r["arm"] for r in rows})}


def paired_difference(rows: Sequence[dict[str, Any]], arm: str, other: str, seed: int) -> dict[str, Any]:
    """Mean of (arm - other) over the (task, seed) pairs that both have, each first averaged over its responses; same interval."""
    means: dict[str, dict[tuple[str, str, int], list[float]]] = {arm: {}, other: {}}
    for row in rows:
        if row["arm"] in means and row["reward"] is not None:
            means[row["arm"]].setdefault((row["document_key"], row["task_id"], row["seed"]), []).append(row["reward"])
    both = sorted(set(means[arm]) & set(means[other]))
    pairs = [
        {
            "document_key": key[0],
            "seed": key[2],
            "reward": sum(means[arm][key]) / len(means[arm][key]) - sum(means[other][key]) / len(means[other][key]),
        }
        for key in both
    ]
    return _interval(pairs, seed)


def breakdown(
    rows: Sequence[dict[str, Any]], tasks: dict[str, GradedTask], by: Callable[[GradedTask], str], seed: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """{group: {arm: interval}} for any property of a task: question type, genre."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(by(tasks[row["task_id"]]), []).append(row)
    return {group: arm_means(members, seed) for group, members in sorted(groups.items())}


def share(criterion: Criterion, level: int) -> float:
    """s / s_max: of a pitfall, how far the bad thing is there."""
    return level / criterion.max_level


def passed(criterion: Criterion, level: int) -> float:
    """1.0 for full credit, and for a bad thing that is wholly absent; else 0.0."""
    return float(level == (criterion.max_level if criterion.weight > 0 else 0))


def category_means(
    tasks: dict[str, GradedTask],
    responses: Sequence[Response],
    judgements: Sequence[Judgement],
    value: Callable[[Criterion, int], float],
    seed: int,
) -> dict[str, dict[str, dict[str, Any]]]:
    """{category: {arm: interval}}: mean of share or passed over the criteria of each category."""
    rows: dict[Category, list[dict[str, Any]]] = {}
    for response, judgement in zip(responses, judgements, strict=True):
        task = tasks[response.task_id].task
        criteria = {c.criterion_key: c for c in task.rubric.criteria}
        for verdict in judgement.verdicts:
            criterion = criteria[verdict.criterion_key]
            found = None if verdict.level is None else value(criterion, verdict.level)
            row = {"arm": response.arm, "seed": response.seed, "document_key": task.document_key, "reward": found}
            rows.setdefault(criterion.category, []).append(row)
    return {str(category): arm_means(members, seed) for category, members in sorted(rows.items())}


def judgements_of(rows: Sequence[dict[str, Any]]) -> dict[str, Judgement]:
    """response_id -> judgement, from stored rows of VERDICTS: what category_means needs of them. A rating counts from 0."""
    verdicts: dict[str, list[Verdict]] = {}
    ratings: dict[str, Rating] = {}
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["response_id"], row)
        if row["criterion_key"] == RATING:
            ratings[row["response_id"]] = Rating(row["level"], 0, row["max_level"], row["reason"])
            continue
        failure = JudgeFailure(row["failure"] or JudgeFailure.ABSTAINED) if row["level"] is None else None
        verdicts.setdefault(row["response_id"], []).append(Verdict(row["criterion_key"], row["level"], row["reason"], failure))
    return {
        key: Judgement(row["task_id"], key, tuple(verdicts.get(key, ())), row["judge"], rating=ratings.get(key))
        for key, row in first.items()
    }
