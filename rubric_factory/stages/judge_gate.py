"""judge-gate: every task that passed the deterministic gates, tried with answers of known worth under the locked judge.

All tasks are graded on each run: what a language model answered lies in the ledger, so an unchanged task costs a look-up. At most three
judge calls a task, none after a refusal.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import BlockedError
from rubric_factory.gates.model.borrowed import Reference, borrowed_answers
from rubric_factory.gates.model.protocol import KINDS
from rubric_factory.gates.model.table import check_scores, refusal, severity_of
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.judging.failures import decide
from rubric_factory.judging.judges import opened_judge
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.judging.watched import Watched
from rubric_factory.records import Rejection
from rubric_factory.settings.gates import JudgeGateSettings
from rubric_factory.stages import Context, StageReport
from rubric_factory.stages.judged import graded_as, judge_section, probe_task, skipped
from rubric_factory.stages.probe import probe_counts, probed
from rubric_factory.tables import GATE_RESULTS, SCORES, VERDICTS, judgement_rows, rejection_rows
from rubric_factory.warehouse import Warehouse, opened
from rubric_factory.workspace import atomic_path

STAGE = "judge-gate"
BATCH = 256


@dataclass
class _Trial:
    """One task on trial: its scores so far, what the gates say of them, and the first refusal."""

    probe: ProbeTask
    answers: dict[str, str]
    scores: dict[str, float | None] = field(default_factory=dict)
    findings: dict[str, GateFinding] = field(default_factory=dict)
    refused: str | None = None

    @property
    def task_id(self) -> str:
        """Its task."""
        return self.probe.task.task_id

    def take(self, kind: str, score: float | None, settings: JudgeGateSettings) -> None:
        """One more score."""
        self.scores[kind] = score
        self.findings = check_scores(self.scores, settings)
        self.refused = refusal(self.findings, settings)

    def result_rows(self, settings: JudgeGateSettings) -> list[dict[str, Any]]:
        """Rows of gate_results."""
        return [
            {"task_id": self.task_id, "gate": gate, "severity": str(severity_of(gate, settings)), "passed": finding.passed}
            | {"figure": float(finding.figure), "detail": finding.detail}
            for gate, finding in self.findings.items()
        ]

    def score_row(self, judge: str, name: str) -> dict[str, Any]:
        """Row of quality. difficulty stays empty: it takes a policy's answers."""
        reference, weak, mismatch = (self.scores.get(kind) for kind in KINDS)
        spread = None if reference is None or weak is None else reference - weak
        scores = {"reference_score": reference, "weak_score": weak, "mismatch_score": mismatch, "spread": spread, "difficulty": None}
        return {"task_id": self.task_id, "judge": judge, "graded_as": name, **scores}

    def rejection(self) -> Rejection | None:
        """Why it is refused, None where it is not."""
        if self.refused is None:
            return None
        finding = self.findings[self.refused]
        return Rejection(self.task_id, STAGE, self.refused, f"figure {finding.figure:g}: {finding.detail}")


def _ask(judge: Judge, trials: Sequence[_Trial], kind: str, settings: JudgeGateSettings) -> list[dict[str, Any]]:
    """One kind of answer for every task that is still in; rows of verdicts."""
    asked = [trial for trial in trials if trial.refused is None and kind in trial.answers]
    items = [JudgeInput.of(t.probe.task, t.probe.passage_text, t.answers[kind], f"{kind}/{t.task_id}") for t in asked]
    judged = judge.grade_many(items)
    rubrics = [trial.probe.task.rubric for trial in asked]
    for trial, decision in zip(asked, decide(rubrics, judged), strict=True):
        trial.take(kind, decision.reward, settings)
    return [row for judgement, rubric in zip(judged, rubrics, strict=True) for row in judgement_rows(judgement, rubric)]


class _Court:
    """All trials of one run, and their rows as Arrow batches."""

    def __init__(self, judge: Judge, settings: JudgeGateSettings, name: str, borrowed: dict[str, str], verdicts: pq.ParquetWriter) -> None:
        self._judge, self._settings, self._name, self._borrowed, self._verdicts = judge, settings, name, borrowed, verdicts
        self._results, self._scores = [GATE_RESULTS.empty_table()], [SCORES.empty_table()]
        self.rejections: list[Rejection] = []

    def try_all(self, probes: Sequence[ProbeTask]) -> None:
        """Grade a batch of tasks, kind by kind."""
        trials = []
        for probe in probes:
            answers = {"reference": probe.task.reference_answer, "weak": probe.weak_answer}
            other = self._borrowed.get(probe.task.task_id)
            trials.append(_Trial(probe, answers if other is None else {**answers, "mismatch": other}))
        for kind in KINDS:
            rows = _ask(self._judge, trials, kind, self._settings)
            self._verdicts.write_table(pa.Table.from_pylist(rows, schema=VERDICTS))
        results = [row for trial in trials for row in trial.result_rows(self._settings)]
        self._results.append(pa.Table.from_pylist(results, schema=GATE_RESULTS))
        scores = [trial.score_row(self._judge.identity, self._name) for trial in trials]
        self._scores.append(pa.Table.from_pylist(scores, schema=SCORES))
        self.rejections += [found for trial in trials if (found := trial.rejection()) is not None]

    @property
    def tables(self) -> dict[str, pa.Table]:
        """All rows by table of the warehouse."""
        return {
            "gate_results": pa.concat_tables(self._results),
            "quality": pa.concat_tables(self._scores),
            "rejections": rejection_rows(self.rejections),
        }


def _replace(house: Warehouse, tables: dict[str, pa.Table]) -> None:
    """The judge's findings in the place of the former ones, in one transaction."""
    with house.transaction():
        house.run("drop_judge_results")
        house.run("drop_quality")
        house.run("forget_stage_rejections", stage=STAGE)
        for name, rows in tables.items():
            house.fold(name, rows)
    house.export("gate_results", "quality", "rejections")


def _judged(house: Warehouse, context: Context) -> tuple[_Court, Watched]:
    settings = context.settings
    references = [Reference(*row.values()) for row in house.rows("gated_references")]
    if not references:
        raise BlockedError("there is no task for the judge", expected="one at least that passed the gates", fix="see `inspect`")
    borrowed = borrowed_answers(references, settings.seed)
    with (
        opened_judge(judge_section(context), context.workspace, stage=STAGE, account=context.account) as judge,
        atomic_path(context.workspace.verdicts / f"{STAGE}.parquet") as path,
        pq.ParquetWriter(path, VERDICTS, compression="zstd") as verdicts,
        context.progress.step(STAGE, len(references), "tasks") as step,
    ):
        watched = Watched(judge)
        court = _Court(watched, settings.gates.judge, graded_as(context), borrowed, verdicts)
        for batch in house.batches("gated_tasks", batch_rows=BATCH):
            court.try_all([probe_task(row) for row in batch])
            step.advance(len(batch))
        watched.require(settings.probes.max_ungraded)
    return court, watched


def judge_gate(context: Context) -> StageReport:
    """Try every task that passed the deterministic gates, then probe the judge once more on what is left (reported, never blocking).

    Counts: tasks, passed, refused, graded (answers, probes not counted), failed_errors_after; skipped without a judge: then what an
    earlier one found is forgotten. Errors: BlockedError without a task, LanguageModelError where the judge does not answer, WorkspaceError.
    """
    started = time.monotonic()
    with opened(context.workspace) as house:
        if context.settings.judge is None:
            _replace(house, {})
            return skipped(STAGE)
        court, watched = _judged(house, context)
        _replace(house, court.tables)
        tasks, refused = house.count("quality"), len(court.rejections)
        counts = {"tasks": tasks, "passed": tasks - refused, "refused": refused, "graded": watched.asked}
        if tasks > refused:
            after, _ = probed(house, context, "publishable")
            counts["failed_errors_after"] = probe_counts(after)["failed_errors"]
    return StageReport(STAGE, counts, dict(Counter(r.reason for r in court.rejections)), time.monotonic() - started)
