"""Evaluations: the finished one of a training run read, or one of a served model made; and the figures of either, by group."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.runspec import LOCK, locked_judge, required_judge
from rubric_factory.dataset_version import open_version, verify
from rubric_factory.errors import BlockedError, DatasetError, LanguageModelError
from rubric_factory.evaluation import (
    EVALUATION,
    Asked,
    GradedTask,
    Response,
    arm_means,
    ask,
    breakdown,
    category_means,
    grade,
    graded_tasks,
    judgements_of,
    passed,
    share,
)
from rubric_factory.grading import lock_path
from rubric_factory.judging.failures import MAX_UNGRADED
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import JudgeLock, verify_lock, write_lock
from rubric_factory.ledger import Ledger
from rubric_factory.llm.backends import open_model
from rubric_factory.records import Judgement, content_id
from rubric_factory.runs import RunSpec
from rubric_factory.settings.llm import OpenAICompatible
from rubric_factory.stages import Context
from rubric_factory.tables import VERDICTS, judgement_rows
from rubric_factory.workspace import atomic_path, write_text

Row = dict[str, Any]
Judged = tuple[list[Row], list[Judgement]]
RESPONSES, FINDINGS, SUMMARY = "evaluation.parquet", "evaluation_verdicts.parquet", "summary.json"


def figures(rows: Sequence[Row], verdicts: Sequence[Row], tasks: dict[str, GradedTask], seed: int) -> Row:
    """{overall: {arm: interval}, question_type|category|passed|genre: {group: {arm: interval}}}; a category has shares met and passed."""
    judged = judgements_of(verdicts)
    responses = [Response(row["arm"], row["seed"], row["task_id"], row["response"]) for row in rows]
    judgements = list(judged.values())  # in the order of the rows, as they were stored
    return {
        "overall": arm_means(rows, seed),
        "question_type": breakdown(rows, tasks, lambda t: t.task.question_type, seed),
        "category": category_means(tasks, responses, judgements, share, seed),
        "passed": category_means(tasks, responses, judgements, passed, seed),
        "genre": breakdown(rows, tasks, lambda t: t.genre or "(none)", seed),
    }


def of_run(run: Path, version: Path) -> Row:
    """Figures of a finished training run on the version's test tasks.

    Errors: DatasetError where the run is not finished, or is of another version.
    """
    spec, found = RunSpec.load(run), open_version(version)
    if spec.content_fingerprint != found.content_fingerprint:
        raise DatasetError(
            f"the run {spec.run_id} is of content {spec.content_fingerprint[:12]}, {version} has {found.content_fingerprint[:12]}",
            expected="the version that the run was made for",
            fix=f"name {spec.dataset}",
        )
    missing = [name for name in (RESPONSES, FINDINGS, SUMMARY) if not (run / name).exists()]
    if missing:
        raise DatasetError(
            f"the run {spec.run_id} is not finished: no {missing[0]}", fix="rubric-factory train with the same arguments resumes it"
        )
    rows, verdicts = pq.read_table(run / RESPONSES).to_pylist(), pq.read_table(run / FINDINGS).to_pylist()
    groups = figures(rows, verdicts, graded_tasks(found, "test"), spec.seed)
    return {"run_id": spec.run_id, "run_path": str(run), "version": found.version, "split": "test", **groups}


def _store(folder: Path, rows: list[Row], verdicts: list[Row]) -> None:
    for name, table in (
        (FINDINGS, pa.Table.from_pylist(verdicts, schema=VERDICTS)),
        (RESPONSES, pa.Table.from_pylist(rows, schema=EVALUATION)),
    ):
        with atomic_path(folder / name) as part:
            pq.write_table(table, part)


def _answers(context: Context, section: OpenAICompatible, name: str, tasks: dict[str, GradedTask], lock: JudgeLock) -> tuple[Asked, Judged]:
    """Ask the model, grade under the verified lock; every paid call through the ledger."""
    settings = context.settings
    with Ledger(context.workspace.ledger) as ledger, context.progress.step("evaluate", 2, "steps") as step:
        judge = open_judge(required_judge(settings), ledger, stage="evaluate-judge", account=context.account)
        report = verify_lock(judge, lock)
        if not report.passed:
            raise BlockedError(f"the judge is not the locked one: {report.detail}", expected="the judge of the lock", fix="make a new lock")
        model = open_model(section, ledger, stage="evaluate", account=context.account)
        questions = [graded.task for graded in tasks.values()]
        asked = ask(model, questions, section.sampling, arm=name, seed=settings.seed, samples=settings.evaluation.samples)
        if asked.unanswered:
            raise LanguageModelError(
                f"{asked.unanswered} questions got no answer from {', '.join(server.url for server in section.servers)}",
                expected="a server that answers",
                fix="run again: it continues",
            )
        step.advance()
        judged = grade(tasks, asked.responses, judge)
        step.advance()
    ungraded = sum(1 for row in judged[0] if row["reward"] is None)
    if ungraded > MAX_UNGRADED * len(judged[0]):
        raise BlockedError(
            f"{ungraded} of {len(judged[0])} answers got no grade",
            expected=f"at most {MAX_UNGRADED:.0%}",
            fix="see the judge, then run again",
        )
    return asked, judged


def of_model(context: Context, name: str, version: Path, *, split: str = "test", lock: Path | None = None) -> Row:
    """Figures of the served model `name` of [evaluation.models] on one split; made once, then read.

    Errors: ConfigurationError, BlockedError (lock, judge), LanguageModelError where answers are missing (a re-run continues), DatasetError.
    """
    settings, found = context.settings, open_version(version)
    section, judging = settings.evaluation.models[name], required_judge(settings)
    path = lock_path(version, lock)
    locked = locked_judge(judging, path)
    public = section.model_dump(mode="json", include={"model", "revision", "sampling"})
    decisive: Row = {"content_fingerprint": found.content_fingerprint, "lock_digest": locked.digest, "split": split, "model": public}
    decisive |= {"samples": settings.evaluation.samples, "seed": settings.seed, "arm": name}
    folder = context.workspace.runs / f"evaluation-{content_id('evaluation', decisive, judging.model_dump(mode='json'))[:16]}"
    if not (folder / SUMMARY).exists():
        verify(version).require()
        tasks = graded_tasks(found, split)
        if not tasks:
            raise DatasetError(f"{version} has no {split} task", expected="at least one", fix="name another --split")
        asked, (rows, judgements) = _answers(context, section, name, tasks, locked)
        pairs = zip(asked.responses, judgements, strict=True)
        verdicts = [row for response, judged in pairs for row in judgement_rows(judged, tasks[response.task_id].task.rubric)]
        _store(folder, rows, verdicts)
        write_lock(locked, folder / LOCK)
        counts = {"refused": asked.refused, "truncated": asked.truncated, "given_up": asked.given_up}
        made = {**decisive, **counts, "version": found.version, **figures(rows, verdicts, tasks, settings.seed)}
        write_text(folder / SUMMARY, json.dumps(made, indent=2, sort_keys=True) + "\n")
    return {"run_id": folder.name, "run_path": str(folder), **json.loads((folder / SUMMARY).read_text(encoding="utf-8"))}
