"""author: selected passages -> tasks, by the configured author; only passages that were not asked about yet.

The table `tasks` holds the work of one author only, the configured one: tasks of another author, or of other author settings, are
removed first, and so can never reach a version. Coming back to an earlier author costs time, not money: the ledger keeps its answers.
What requests.jsonl and review.jsonl say of a passage is part of how it was asked: where that changes, the passage is asked again.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

import pyarrow as pa

from rubric_factory import warehouse
from rubric_factory.authoring import review, worklist
from rubric_factory.authoring.authors import asked_as, author_identity, open_author
from rubric_factory.authoring.protocol import Authored
from rubric_factory.errors import FactoryError, LanguageModelError
from rubric_factory.llm.protocol import Backend
from rubric_factory.records import Passage, Rejection, Task, content_id
from rubric_factory.settings.author import WithheldSectionMode, Writing, writers_of
from rubric_factory.settings.llm import BatchFiles
from rubric_factory.stages import Context, StageReport
from rubric_factory.tables import AUTHORED, TASK_NOTES, TASKS, passage_from_row, rejection_rows, task_to_row
from rubric_factory.text import printable

# What a kill may lose at most; the answers themselves lie in the ledger before they come here.
BATCH_PASSAGES = 200
BATCH_SECONDS = 30.0
_EXPORTED = ("tasks", "task_notes", "authored", "rejections")


@dataclass(frozen=True)
class AuthorReport(StageReport):
    """author: identity of who was asked. last_failure: why the last passage without an answer has none, '' where no request failed."""

    author: str = ""
    last_failure: str = ""


@dataclass(frozen=True)
class _Particulars:
    """What people and policies said of single passages: wishes and edits by passage_id, and which wishes name no passage.

    visible: by document_key, what is shown beside withheld passages, where the author's mode asks for it.
    """

    wishes: dict[str, tuple[worklist.Wish, ...]] = field(default_factory=dict)
    edits: dict[str, tuple[review.Edit, ...]] = field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()
    suffixes: dict[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    visible: dict[str, str] = field(default_factory=dict)

    @property
    def incoming(self) -> pa.Table:
        """Rows (passage_id, particulars) for the statements that decide who is asked."""
        columns = {"passage_id": list(self.suffixes), "particulars": list(self.suffixes.values())}
        return pa.table(columns, schema=pa.schema([("passage_id", pa.string()), ("particulars", pa.string())]))


def _visible(context: Context, house: warehouse.Warehouse) -> tuple[dict[str, str], dict[str, str]]:
    """Visible parts by document_key, and what they add to how each passage is asked; both empty in other modes than withheld_section."""
    if not isinstance(getattr(context.settings.author, "mode", None), WithheldSectionMode):
        return {}, {}
    visible = {row["document_key"]: row["visible"] for row in house.rows("visible_parts")}
    suffixes = {key: f" visible={content_id('visible', text)[:12]}" for key, text in visible.items()}
    rows = house.rows("selected_passages")
    return visible, {row["passage_id"]: suffixes[row["document_key"]] for row in rows if row["document_key"] in suffixes}


def _particulars(context: Context, house: warehouse.Warehouse) -> _Particulars:
    """What requests.jsonl and review.jsonl say of today's passages. Errors: as read_jsonl."""
    wishes, reviews = worklist.read_wishes(context.workspace.requests), review.read_reviews(context.workspace.review)
    visible, suffixes = _visible(context, house)
    if not wishes and not reviews.keys:
        return _Particulars(suffixes=suffixes, visible=visible)
    rows = house.rows("selected_passages")
    passages = {f"{row['document_key']}#{row['anchor']}": (row["passage_id"], row["document_key"]) for row in rows}
    wanted, rejections = worklist.by_passage(wishes, passages)
    for name, wished in wanted.items():
        suffixes[name] = suffixes.get(name, "") + f" requests={worklist.digest(wished)}"
    touched: dict[str, list[review.Edit]] = {}
    for key, edits in sorted(reviews.edits.items()):
        known = passages.get(key.rpartition("/")[0])
        if known:
            touched.setdefault(known[0], []).extend(edits)
    for name, found in touched.items():
        suffixes[name] = suffixes.get(name, "") + f" review={review.digest(found)}"
    return _Particulars(wanted, reviews.edits, tuple(rejections), suffixes, reviews.keys, visible)


def _passages(rows: pa.Table) -> Iterator[tuple[Passage, str]]:
    """Passages with their document's title, a slice of rows at a time."""
    for batch in rows.to_batches(max_chunksize=500):
        for row in batch.to_pylist():
            yield passage_from_row(row), row["title"]


def _as_reviewed(authored: Authored, edits: dict[str, tuple[review.Edit, ...]]) -> Authored:
    """What an author made, with the edits of people; an edit that does not fit is a Rejection, and the task stays as it was written."""
    tasks: list[Task] = []
    rejections = list(authored.rejections)
    for task in authored.tasks:
        try:
            tasks.append(review.edited(task, edits.get(task.task_key, ())))
        except ValueError as error:
            tasks.append(task)
            rejections.append(Rejection(task.task_key, "author", "edit_not_applicable", str(error)))
    return replace(authored, tasks=tuple(tasks), rejections=tuple(rejections))


class _Writer:
    """Folds what an author made, a batch per transaction: a passage counts as asked exactly when its tasks and rejections are there."""

    def __init__(self, house: warehouse.Warehouse, asked: str, said: _Particulars) -> None:
        self._house, self._asked, self._said = house, asked, said
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
        self._batch.append(_as_reviewed(authored, self._said.edits))
        if len(self._batch) >= BATCH_PASSAGES or time.monotonic() - self._since >= BATCH_SECONDS:
            self.fold()

    def fold(self) -> None:
        """Commit what was taken."""
        batch, self._batch, self._since = self._batch, [], time.monotonic()
        tasks = [task_to_row(task) for one in batch for task in one.tasks]
        notes = [asdict(note) for one in batch for note in one.notes]
        asked = [
            {"passage_id": one.passage_id, "author": self._asked + self._said.suffixes.get(one.passage_id, ""), "tasks": len(one.tasks)}
            for one in batch
        ]
        with self._house.transaction():
            self._house.fold("tasks", pa.Table.from_pylist(tasks, schema=TASKS))
            self._house.fold("task_notes", pa.Table.from_pylist(notes, schema=TASK_NOTES))
            self._house.fold("authored", pa.Table.from_pylist(asked, schema=AUTHORED))
            self._house.fold("rejections", rejection_rows([rejection for one in batch for rejection in one.rejections]))
        self.tasks += len(tasks)


def _todo(house: warehouse.Warehouse, asked: str, said: _Particulars) -> pa.Table:
    """Passages to ask about, those that were asked for first; what stands on another asking is removed."""
    with house.incoming(said.incoming):
        with house.transaction():
            house.run("drop_stale_authored", asked=asked)
            for statement in ("drop_stale_tasks", "drop_stale_task_notes", "drop_stale_author_rejections"):
                house.run(statement)
        rows = house.run("passages_to_author")
    house.fold("rejections", rejection_rows(list(said.rejections)))
    return rows


def _without_task(house: warehouse.Warehouse, keys: Iterable[str]) -> list[Rejection]:
    """Reviews whose task is not there: nothing can be done about them now."""
    with house.incoming(pa.table({"task_key": pa.array(list(keys), pa.string())})):
        unknown = [row["task_key"] for row in house.rows("unknown_tasks")]
    return [Rejection(key, "author", "review_without_task", "no task has this key now") for key in unknown]


def _next_step(section: object, pending: int) -> str:
    """What a person does about passages whose answers are waited for in files; '' where none is, or where nobody writes files."""
    writers = writers_of(section) if isinstance(section, Writing) else ()
    places = [f"{one.requests_dir}, answers into {one.responses_dir}" for one in writers if isinstance(one, BatchFiles)]
    if not pending or not places:
        return ""
    text = f"{pending} passages wait for answers: have the *.jsonl files answered ({'; '.join(places)}), then run the same command again"
    return printable(text, 1000)


def author(context: Context, *, limit: int | None = None, backends: Sequence[Backend] = ()) -> AuthorReport:
    """Ask the configured author about every selected passage that it was not asked about; limit: about the first so many of them only.

    backends: who answer instead of the configured author and its co-authors (batch files); all of them or none.

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
        said = _particulars(context, house)
        rows = _todo(house, asked, said).slice(0, limit)
        writer = _Writer(house, asked, said)
        with (
            context.progress.step("author", rows.num_rows, "passages") as step,
            open_author(
                context.settings,
                context.workspace,
                account=context.account,
                backends=backends,
                worklist=said.wishes,
                visible=said.visible,
            ) as opened,
        ):
            try:
                for authored in opened.write(_passages(rows)):
                    writer.add(authored)
                    if writer.last_failure:
                        step.note = f"{writer.pending} passages have no answer yet; the last failure: {writer.last_failure}"
                    step.advance()
                if not backends:  # who exports and imports by command is told there
                    step.note = step.note or _next_step(context.settings.author, writer.pending)
            except LanguageModelError:
                writer.fold()
                house.export(*_EXPORTED)
                raise
            finally:
                writer.fold()
        house.fold("rejections", rejection_rows(_without_task(house, said.keys)))
        house.export(*_EXPORTED)
        counts = {"passages": rows.num_rows, "pending": writer.pending, "written": writer.tasks, "tasks": house.count("tasks")}
        rejections = {row["reason"]: row["records"] for row in house.rows("count_rejections", stage="author")}
    seconds = time.monotonic() - started
    return AuthorReport("author", counts, rejections, seconds, author_identity(context.settings), writer.last_failure)
