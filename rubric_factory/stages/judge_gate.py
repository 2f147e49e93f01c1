"""judge-gate: every task that passed the deterministic gates, tried with answers of known worth, and a solver's, under the locked judge.

At most six judge calls a task by default, none after a refusal. What was graded before is read from the verdicts that lie there: an
unchanged task costs no call, and other thresholds cost none either.
"""

import time
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import BlockedError
from rubric_factory.gates.model.borrowed import Reference, borrowed_answers
from rubric_factory.gates.model.solver import opened_solver
from rubric_factory.gates.model.stored import Stored
from rubric_factory.judging.judges import opened_judge
from rubric_factory.judging.watched import Watched
from rubric_factory.stages import Context, StageReport
from rubric_factory.stages.judge_audit import audit_gates
from rubric_factory.stages.judged import graded_as, grading, judge_section, probe_task, skipped
from rubric_factory.stages.probe import probe_counts, probed
from rubric_factory.stages.trials import STAGE, Bench, Court
from rubric_factory.tables import VERDICTS
from rubric_factory.warehouse import Warehouse, opened
from rubric_factory.workspace import atomic_path

BATCH = 256


def _replace(house: Warehouse, tables: dict[str, pa.Table]) -> None:
    """The judge's findings in the place of the former ones, in one transaction."""
    with house.transaction():
        house.run("drop_judge_results")
        house.run("drop_quality")
        house.run("drop_necessity")
        house.run("forget_stage_rejections", stage=STAGE)
        for name, rows in tables.items():
            house.fold(name, rows)
    house.export("gate_results", "quality", "necessity", "rejections")


def _judged(house: Warehouse, context: Context) -> tuple[Court, dict[str, int]]:
    """All trials, and how many answers were asked of solver and judge for them now."""
    settings, workspace, account = context.settings, context.workspace, context.account
    references = [Reference(*row.values()) for row in house.rows("gated_references")]
    if not references:
        raise BlockedError("there is no task for the judge", expected="one at least that passed the gates", fix="see `inspect`")
    borrowed, target = borrowed_answers(references, settings.seed), workspace.verdicts / f"{STAGE}.parquet"
    stored = Stored(target)
    with (
        opened_judge(judge_section(context), workspace, stage=STAGE, account=account) as judge,
        opened_solver(settings.gates.judge.solver, workspace, settings.seed, account) as solver,
        atomic_path(target) as path,
        pq.ParquetWriter(path, VERDICTS, compression="zstd") as verdicts,
        context.progress.step(STAGE, len(references), "tasks") as step,
    ):
        watched = Watched(judge)
        bench = Bench(watched, solver, settings.gates.judge, grading(context), graded_as(context), borrowed)
        court = Court(bench, stored, verdicts)
        for batch in house.batches("gated_tasks", batch_rows=BATCH):
            court.try_all([probe_task(row) for row in batch])
            step.advance(len(batch))
        if solver is not None:
            solver.require(settings.probes.max_ungraded)
        watched.require(settings.probes.max_ungraded)
        stored.copy(court.kept, verdicts)
    court.compare()
    return court, {"graded": watched.asked, "sampled": solver.asked if solver else 0}


def judge_gate(context: Context) -> StageReport:
    """Try every task that passed the deterministic gates, then probe the judge once more on what is left (reported, never blocking).

    Counts: tasks, passed, refused, graded (answers graded now, probes and audit not counted), reused (gradings that lay there), sampled
    (answers asked of the solver), audited (answers graded for the audit), unneeded (criteria that tell nothing apart), and
    failed_errors_after; skipped without a judge: then what an earlier one found is forgotten.
    Errors: BlockedError without a task, LanguageModelError where judge or solver does not answer, WorkspaceError.
    """
    started = time.monotonic()
    with opened(context.workspace) as house:
        if context.settings.judge is None:
            _replace(house, {})
            return skipped(STAGE)
        court, asked = _judged(house, context)
        verdicts = str((context.workspace.verdicts / f"{STAGE}.parquet").resolve())
        necessity = house.run("criterion_necessity", verdicts=verdicts)
        _replace(house, {**court.tables, "necessity": necessity})
        tasks, refused = house.count("quality"), len(court.rejections)
        counts = {"tasks": tasks, "passed": tasks - refused, "refused": refused, **asked, "reused": court.used}
        counts["unneeded"] = sum(row["unneeded"] for row in house.rows("necessity", folder="audits"))
        if tasks > refused:
            after, _ = probed(house, context, "publishable")
            counts["failed_errors_after"] = probe_counts(after)["failed_errors"]
            counts["audited"] = audit_gates(house, context)
    return StageReport(STAGE, counts, dict(Counter(r.reason for r in court.rejections)), time.monotonic() - started)
