"""gate: every task of the configured author through every gate; findings kept, refusals named.

All tasks are checked again on each run: the gates are pure and fast, and so no finding can be older than its task or its threshold.
What people refused (review.jsonl) is refused here, as by a gate named review, before any other.
"""

import time
from collections.abc import Iterable

import pyarrow as pa

from rubric_factory import warehouse
from rubric_factory.authoring.authors import author_identity
from rubric_factory.authoring.review import Reviews, read_reviews
from rubric_factory.errors import FactoryError
from rubric_factory.gates.protocol import GateFinding, GateInput, Severity
from rubric_factory.gates.table import CORPUS_GATES, GATES, check_task, first_refusal
from rubric_factory.records import Rejection
from rubric_factory.settings.gates import GateSettings
from rubric_factory.stages import Context, StageReport
from rubric_factory.tables import GATE_RESULTS, passage_from_row, rejection_rows, task_from_row

# Stands among the gates of a task that people keep out, and of no other.
REVIEW = "review"


def _row(task_id: str, gate: str, severity: Severity, finding: GateFinding) -> dict[str, object]:
    figures = {"passed": finding.passed, "figure": float(finding.figure), "detail": finding.detail}
    return {"task_id": task_id, "gate": gate, "severity": str(severity), **figures}


def _refusal(task_id: str, gate: str, finding: GateFinding) -> Rejection:
    return Rejection(task_id, "gate", gate, f"figure {finding.figure:g}: {finding.detail}")


class _Findings:
    """What the gates found so far: rows as Arrow batches, refusals, and the questions that are still in."""

    def __init__(self, settings: GateSettings, profile: str, reviews: Reviews) -> None:
        self._settings, self._profile, self._reviews = settings, profile, reviews
        self._tables = [GATE_RESULTS.empty_table()]
        self._passed: dict[str, tuple[str, str]] = {}
        self.rejections: list[Rejection] = []

    @property
    def passed(self) -> int:
        """Tasks that nothing refused."""
        return len(self._passed)

    def add(self, rows: Iterable[dict[str, object]]) -> None:
        """Append rows of gate_results."""
        self._tables.append(pa.Table.from_pylist(list(rows), schema=GATE_RESULTS))

    def check(self, batch: list[dict[str, object]]) -> None:
        """Run the gates of one task each over rows of tasks_to_gate."""
        rows: list[dict[str, object]] = []
        for item in (GateInput(task_from_row(r["task"]), passage_from_row(r["passage"]), str(r["title"])) for r in batch):  # type: ignore[arg-type]
            task_id, findings = item.task.task_id, check_task(item, self._settings, self._profile)
            rows += [_row(task_id, gate, GATES[gate].severity, finding) for gate, finding in findings.items()]
            refused = first_refusal(findings)
            if review := self._reviews.against(item.task):
                said = GateFinding(False, 1.0, review.said)
                rows.append(_row(task_id, REVIEW, Severity.ERROR, said))
                self.rejections.append(_refusal(task_id, REVIEW, said))
            elif refused:
                self.rejections.append(_refusal(task_id, refused, findings[refused]))
            else:
                self._passed[item.task.task_key] = (task_id, item.task.question)
        self.add(rows)

    def check_corpus(self) -> None:
        """Run the gates over all tasks that are still in; each refuses before the next one looks."""
        for gate, check in CORPUS_GATES.items():
            findings = check({key: question for key, (_, question) in self._passed.items()}, self._settings)
            self.add(_row(self._passed[key][0], gate, Severity.ERROR, finding) for key, finding in findings.items())
            for key, finding in findings.items():
                if not finding.passed:
                    self.rejections.append(_refusal(self._passed.pop(key)[0], gate, finding))

    def table(self) -> pa.Table:
        """All rows."""
        return pa.concat_tables(self._tables)


def gate(context: Context) -> StageReport:
    """Check every task of the configured author; results, rejections and exports replace the former ones in one transaction.

    Errors: FactoryError where no author was ever asked (one whose answers were all refused leaves nothing to check, which is no error);
    as read_reviews.
    """
    started = time.monotonic()
    identity = author_identity(context.settings)
    reviews = read_reviews(context.workspace.review)
    findings, checked = _Findings(context.settings.gates, context.settings.publish.profile, reviews), 0
    with warehouse.opened(context.workspace) as house:
        if not house.count("tasks") and not house.count("authored"):
            raise FactoryError(
                "there is no task in the workspace",
                expected="at least one",
                fix="run rubric-factory author first, and again where answers are pending",
            )
        with context.progress.step("gate", house.count("tasks"), "tasks") as step:
            for batch in house.batches("tasks_to_gate", batch_rows=500, author=identity):
                findings.check(batch)
                checked += len(batch)
                step.advance(len(batch))
            findings.check_corpus()
        with house.transaction():
            house.run("drop_gate_results")
            house.run("forget_stage_rejections", stage="gate")
            house.fold("gate_results", findings.table())
            house.fold("rejections", rejection_rows(findings.rejections))
        house.export("gate_results", "rejections")
        rejections = {row["reason"]: row["records"] for row in house.rows("count_rejections", stage="gate")}
    counts = {"tasks": checked, "passed": findings.passed, "refused": len(findings.rejections)}
    return StageReport("gate", counts, rejections, time.monotonic() - started)
