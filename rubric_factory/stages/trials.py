"""The cascade of judge-gate over many tasks: kind by kind, batch by batch, stored gradings first; and what it leaves as Arrow rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.gates.model.cascade import Trial
from rubric_factory.gates.model.difficulty import solved
from rubric_factory.gates.model.protocol import SAMPLE, group, kinds
from rubric_factory.gates.model.quantile import NAME, quantile
from rubric_factory.gates.model.solver import Solver
from rubric_factory.gates.model.stored import Stored, response_id
from rubric_factory.gates.model.table import refusal, severity_of
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.judging.failures import decide
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.records import Rejection
from rubric_factory.settings.gates import JudgeGateSettings
from rubric_factory.tables import GATE_RESULTS, SCORES, VERDICTS, judgement_rows, rejection_rows

STAGE = "judge-gate"


@dataclass(frozen=True)
class _Case:
    """One task on trial. answers: those of known worth, by kind; names: response_id by kind."""

    probe: ProbeTask
    trial: Trial
    answers: Mapping[str, str]
    names: Mapping[str, str]


@dataclass(frozen=True)
class Bench:
    """Who asks and who answers. grading: what decides the judge's verdicts; scored_as: name under which scores stand;
    borrowed: task_id -> another document's answer."""

    judge: Judge
    solver: Solver | None
    settings: JudgeGateSettings
    grading: dict[str, Any]
    scored_as: str
    borrowed: Mapping[str, str]


class Court:
    """All trials of one run. kept: response_ids of stored gradings that still hold, used: how many of them decided something."""

    def __init__(self, bench: Bench, stored: Stored, verdicts: pq.ParquetWriter) -> None:
        self._bench, self._stored, self._verdicts = bench, stored, verdicts
        self._results, self._scores = [GATE_RESULTS.empty_table()], [SCORES.empty_table()]
        self._solved: dict[str, float] = {}
        self.rejections: list[Rejection] = []
        self.kept: set[str] = set()
        self.used = 0

    def try_all(self, probes: Sequence[ProbeTask]) -> None:
        """A batch of tasks, kind by kind."""
        cases = [self._case(probe) for probe in probes]
        for kind in kinds(self._bench.settings):
            self._ask([case for case in cases if case.trial.wants(kind)], kind)
        for case in cases:
            self._close(case.trial)
        judge, name = self._bench.judge.identity, self._bench.scored_as
        rows = [{"task_id": case.trial.task_id, "judge": judge, "graded_as": name, **case.trial.quality} for case in cases]
        self._scores.append(pa.Table.from_pylist(rows, schema=SCORES))
        results = [self._row(case.trial.task_id, *found) for case in cases for found in case.trial.findings.items()]
        self._results.append(pa.Table.from_pylist(results, schema=GATE_RESULTS))

    def compare(self) -> None:
        """When all tasks were tried: the gate that looks at them together."""
        findings = quantile(self._solved, self._bench.settings)
        rows = [self._row(task_id, NAME, finding) for task_id, finding in findings.items()]
        self._results.append(pa.Table.from_pylist(rows, schema=GATE_RESULTS))
        for task_id, finding in findings.items():
            if refusal({NAME: finding}, self._bench.settings):
                self._refuse(task_id, NAME, finding)

    @property
    def tables(self) -> dict[str, pa.Table]:
        """All rows by table of the warehouse."""
        return {
            "gate_results": pa.concat_tables(self._results),
            "quality": pa.concat_tables(self._scores),
            "rejections": rejection_rows(self.rejections),
        }

    def _case(self, probe: ProbeTask) -> _Case:
        task, bench = probe.task, self._bench
        answers = {"reference": task.reference_answer, "weak": probe.weak_answer}
        if task.task_id in bench.borrowed:
            answers["mismatch"] = bench.borrowed[task.task_id]
        named = dict(answers)
        if bench.solver is not None:
            named |= {kind: bench.solver.key(task, kind) for kind in kinds(bench.settings) if group(kind) == SAMPLE}
        names = {kind: response_id(kind, bench.grading, task, answer) for kind, answer in named.items()}
        self.kept.update(name for name in names.values() if name in self._stored.rewards)
        return _Case(probe, Trial(task.task_id, bench.settings, names.__contains__), answers, names)

    def _ask(self, cases: Sequence[_Case], kind: str) -> None:
        """One kind of answer for every task that is still in."""
        fresh = []
        for case in cases:
            known = self._stored.rewards.get(case.names[kind])
            if known is None:
                fresh.append(case)
            else:
                case.trial.take(kind, known)
                self.used += 1
        answers = self._answers(fresh, kind)
        for case in fresh:
            if case.trial.task_id not in answers:
                case.trial.take(kind, None)
        self._grade([case for case in fresh if case.trial.task_id in answers], kind, answers)

    def _answers(self, cases: Sequence[_Case], kind: str) -> dict[str, str]:
        """task_id -> the answer to be graded; nothing where the solver had none."""
        solver = self._bench.solver
        if solver is not None and group(kind) == SAMPLE:
            return solver.answers({case.trial.task_id: case.probe.task for case in cases}, kind) if cases else {}
        return {case.trial.task_id: case.answers[kind] for case in cases}

    def _grade(self, cases: Sequence[_Case], kind: str, answers: Mapping[str, str]) -> None:
        if not cases:
            return
        items = [JudgeInput.of(c.probe.task, c.probe.passage_text, answers[c.trial.task_id], c.names[kind]) for c in cases]
        judged, rubrics = self._bench.judge.grade_many(items), [case.probe.task.rubric for case in cases]
        for case, decision in zip(cases, decide(rubrics, judged), strict=True):
            case.trial.take(kind, decision.reward)
        rows = [row for judgement, rubric in zip(judged, rubrics, strict=True) for row in judgement_rows(judgement, rubric)]
        self._verdicts.write_table(pa.Table.from_pylist(rows, schema=VERDICTS))

    def _close(self, trial: Trial) -> None:
        if trial.refused is not None:
            self._refuse(trial.task_id, trial.refused, trial.findings[trial.refused])
        elif (mean := solved(trial.scores)) is not None:
            self._solved[trial.task_id] = mean

    def _refuse(self, task_id: str, gate: str, finding: GateFinding) -> None:
        self.rejections.append(Rejection(task_id, STAGE, gate, f"figure {finding.figure:g}: {finding.detail}"))

    def _row(self, task_id: str, gate: str, finding: GateFinding) -> dict[str, Any]:
        verdict = {"severity": str(severity_of(gate, self._bench.settings)), "passed": finding.passed}
        return {"task_id": task_id, "gate": gate, **verdict, "figure": float(finding.figure), "detail": finding.detail}
