"""author: selected passages -> tasks, by the configured author; only passages that were not asked about yet.

The table `tasks` holds the work of one author only, the configured one: tasks of another author, or of other author settings, are
removed first, and so can never reach a version. Coming back to an earlier author costs time, not money: the ledger keeps its answers.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from rubric_factory import warehouse
from rubric_factory.authoring.authors import asked_as, open_author
from rubric_factory.authoring.protocol import Authored
from rubric_factory.errors import FactoryError, LanguageModelError
from rubric_factory.llm.protocol import Backend
from rubric_factory.records import Passage
from rubric_factory.stages import Context, StageReport
from rubric_factory.tables import AUTHORED, TASKS, passage_from_row, rejection_rows, task_to_row

# What a kill may lose at most; the answers themselves lie in the ledger before they come here.
BATCH_PASSAGES = 200
BATCH_SECONDS = 30.0
_EXPORTED = ("tasks", "authored", "rejections")


def _passages(rows: pa.Table) -> Iterator[tuple[Passage, str]]:
    """Passages with their document's title, a slice of rows at a time."""
    for batch in rows.to_batches(max_chunksize=500):
        for row in batch.to_pylist():
            yield passage_from_row(row), row["title"]


@dataclass(frozen=True)
class AuthorReport(StageReport):
    """last_failure: why the last passage without an answer has none, '' where no request failed."""

    last_failure: str = ""


class _Writer:
    """Folds what an author made, a batch per transaction: a passage counts as asked exactly when its tasks and rejections are there."""

    def __init__(self, house: warehouse.Warehouse, asked: str) -> None:
        self._house, self._asked = house, asked
        self._batch: list[Authored] = []
        self._since = time.monotonic()
        self.tasks = self.pending = 0
        self.last_failure = ""

    def add(self, authored: Authored) -> None:
        """Take one passage's result; fold if it is time."""
        if authored.pending:
            self.pending += 1
            self.last_failure = authored.detail or self.last_failure
            return
        self._batch.append(authored)
        if len(self._batch) >= BATCH_PASSAGES or time.monotonic() - self._since >= BATCH_SECONDS:
            self.fold()

    def fold(self) -> None:
        """Commit what was taken."""
        batch, self._batch, self._since = self._batch, [], time.monotonic()
        tasks = [task_to_row(task) for one in batch for task in one.tasks]
        asked = [{"passage_id": one.passage_id, "author": self._asked, "tasks": len(one.tasks)} for one in batch]
        with self._house.transaction():
            self._house.fold("tasks", pa.Table.from_pylist(tasks, schema=TASKS))
            self._house.fold("authored", pa.Table.from_pylist(asked, schema=AUTHORED))
            self._house.fold("rejections", rejection_rows([rejection for one in batch for rejection in one.rejections]))
        self.tasks += len(tasks)


def author(context: Context, *, limit: int | None = None, backend: Backend | None = None) -> AuthorReport:
    """Ask the configured author about every selected passage that it was not asked about; limit: the first so many of them only.

    backend: who answers instead of the configured one (batch files).

    Errors: FactoryError without a passage, those of open_author and the backend; LanguageModelError where hardly any answer is of use.
    What was written is kept.
    """
    started = time.monotonic()
    asked = asked_as(context.settings)
    with warehouse.opened(context.workspace) as house:
        if not house.count("passages"):
            raise FactoryError(
                "there is no passage in the workspace",
                expected="at least one",
                fix="run rubric-factory passages first; where that was done, the documents hold too little text",
            )
        with house.transaction():
            for statement in ("drop_stale_authored", "drop_stale_tasks", "drop_stale_author_rejections"):
                house.run(statement, **({"asked": asked} if statement == "drop_stale_authored" else {}))
        rows = house.run("passages_to_author", asked=asked).slice(0, limit)
        writer = _Writer(house, asked)
        with (
            context.progress.step("author", rows.num_rows, "passages") as step,
            open_author(context.settings, context.workspace, context.account, backend) as opened,
        ):
            try:
                for authored in opened.write(_passages(rows)):
                    writer.add(authored)
                    if writer.last_failure:
                        step.note = f"{writer.pending} passages have no answer yet; the last failure: {writer.last_failure}"
                    step.advance()
            except LanguageModelError:
                writer.fold()
                house.export(*_EXPORTED)
                raise
            finally:
                writer.fold()
        house.export(*_EXPORTED)
        counts = {"passages": rows.num_rows, "pending": writer.pending, "written": writer.tasks, "tasks": house.count("tasks")}
        rejections = {row["reason"]: row["records"] for row in house.rows("count_rejections", stage="author")}
    return AuthorReport("author", counts, rejections, time.monotonic() - started, writer.last_failure)
