"""The author and gate stages over a small warehouse: idempotent, resumable, one author at a time, nothing silent."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa
import pytest

from rubric_factory import warehouse
from rubric_factory.authoring import authors
from rubric_factory.authoring.protocol import Authored
from rubric_factory.errors import FactoryError
from rubric_factory.gates.table import CORPUS_GATES, GATES
from rubric_factory.llm.protocol import Request
from rubric_factory.progress import Progress
from rubric_factory.records import Passage
from rubric_factory.settings import Settings
from rubric_factory.settings.gates import GateSettings
from rubric_factory.stages import Context
from rubric_factory.stages import author as author_module
from rubric_factory.stages.author import author
from rubric_factory.stages.gate import gate
from rubric_factory.tables import DOCUMENTS, PASSAGES, SELECTION, passage_to_row
from rubric_factory.workspace import Workspace

SENTENCES = [
    "Photovoltaic modules lose about 0.5 percent of their output for every kelvin of warming because the band gap of silicon narrows.",
    "Pumped storage plants return roughly 80 percent of the electricity that lifted the water into the upper reservoir.",
    "Catalytic converters stop working below 250 degrees Celsius because the noble metals cannot bind oxygen at lower temperatures.",
    "Wind turbines are stopped above 25 metres per second because the blades would bend into the tower under heavier loads.",
    "Lithium plating occurs when a cell is charged below the freezing point, since the graphite cannot take up ions fast enough.",
    "Heat pumps deliver three units of warmth per unit of electricity because they move energy instead of converting it.",
]


def scripted(request: Request) -> str:
    """A well-behaved author: question and rubric about the words of the passage it was shown."""
    passage = re.search(r"```\n(.*)\n```", request.messages[1].content, re.S)[1]
    quote = passage.split(".  ")[0]
    subject = " ".join(quote.split()[:3])
    criterion = {
        "title": "Names the cause",
        "description": "States why the effect named in the question happens.",
        "category": "essential",
        "weight": 5,
        "required_elements": ["cause"],
        "scoring_guide": ["No reason.", "The reason of the source."],
        "verification_cues": ["a reason"],
        "evidence": [quote],
    }
    second = criterion | {"title": "Gives a detail", "description": "Mentions one further detail.", "category": "important", "weight": 3}
    second["required_elements"] = ["detail"]
    task = {
        "question": f"What behaviour do engineers report for {subject}, and which mechanism stands behind that behaviour?",
        "question_type": "explain",
        "difficulty": "easy",
        "reference_answer": f"{quote} That is the mechanism.",
        "criteria": [criterion, second],
    }
    return json.dumps({"tasks": [task]})


def settings_of(**author_section) -> Settings:
    section = {"type": "extractive"} | author_section
    return Settings(name="t", seed=1, author=section)


SCRIPTED = {
    "type": "scripted",
    "model": "script",
    "revision": "1",
    "function": "test_author_stage:scripted",
    "writing": {"min_criteria": 2, "max_criteria": 4},
    "weak_answer": False,
}


def context_of(tmp_path, **author_section) -> Context:
    return Context(settings_of(**author_section), Workspace(tmp_path / "w"), Progress(quiet=True))


def passage_of(number: int, text: str, anchor: str | None = None, document: str | None = None) -> Passage:
    key = f"d/{document or number}.txt"
    start = 10 * number
    return Passage(
        passage_id=Passage.id_of("0" * 64, start, start + len(text), text),
        document_id="0" * 64,
        document_key=key,
        anchor=anchor or "p0/0",
        section="",
        ordinal=0,
        char_start=start,
        char_end=start + len(text),
        page_start=0,
        page_end=0,
        text=text,
    )


def fill(context: Context, passages: list[Passage], selected: bool = True) -> None:
    with warehouse.opened(context.workspace) as house:
        documents = [dict.fromkeys(DOCUMENTS.names) | {"document_key": p.document_key, "title": "A title"} for p in passages]
        unique = list({d["document_key"]: d for d in documents}.values())
        house.fold("documents", pa.Table.from_pylist(unique, schema=DOCUMENTS))
        house.fold("passages", pa.Table.from_pylist([passage_to_row(p, 50, "s") for p in passages], schema=PASSAGES))
        rows = [{"passage_id": p.passage_id, "cluster": p.passage_id, "score": 1.0, "selected": selected} for p in passages]
        house.fold("selection", pa.Table.from_pylist(rows, schema=SELECTION))


def rows_of(context: Context, *tables: str) -> list:
    with warehouse.opened(context.workspace) as house:
        return [house.table(name).to_pylist() for name in tables]


PASSAGE_LIST = [passage_of(n, "  ".join([SENTENCES[n], SENTENCES[(n + 1) % 6]])) for n in range(6)]


@pytest.mark.parametrize("section", [{"type": "extractive"}, SCRIPTED], ids=["extractive", "scripted"])
def test_a_second_run_asks_nothing_and_changes_nothing(tmp_path, section):
    context = context_of(tmp_path, **section)
    fill(context, PASSAGE_LIST)
    first = author(context)
    assert first.counts["passages"] == 6 and first.counts["written"] == first.counts["tasks"] > 0
    gate(context)
    before = rows_of(context, "tasks", "authored", "rejections", "gate_results")
    second = author(context)
    gate(context)
    assert second.counts == {"passages": 0, "pending": 0, "written": 0, "tasks": first.counts["tasks"]}
    assert rows_of(context, "tasks", "authored", "rejections", "gate_results") == before


CALLS: list[str] = []


def counted(request: Request) -> str:
    CALLS.append(request.request_id)
    return scripted(request)


def unusable(request: Request) -> str:
    return "I cannot help with that."


def test_the_scripted_author_passes_the_gates_and_its_names_are_in_every_row(tmp_path):
    context = context_of(tmp_path, **SCRIPTED)
    fill(context, PASSAGE_LIST)
    author(context)
    report = gate(context)
    (tasks, results) = rows_of(context, "tasks", "gate_results")
    assert report.counts == {"tasks": 6, "passed": 6, "refused": 0} and len(tasks) == 6
    assert {t["author"] for t in tasks} == {authors.author_identity(context.settings)} and "prompts=" in tasks[0]["author"]
    assert {t["evidence_grade"] for t in tasks} == {"demo"}
    assert len(results) == 6 * (len(GATES) + len(CORPUS_GATES))
    assert (context.workspace.tables / "gate_results.parquet").exists() and (context.workspace.tables / "tasks.parquet").exists()


def test_another_author_replaces_everything_and_coming_back_is_not_paid_twice(tmp_path):
    paid = SCRIPTED | {"function": "test_author_stage:counted"}
    first, other = context_of(tmp_path, **paid), context_of(tmp_path, type="extractive")
    fill(first, PASSAGE_LIST)
    CALLS.clear()
    author(first)
    before = rows_of(first, "tasks", "authored")
    author(other)
    gate(other)
    tasks, results = rows_of(other, "tasks", "gate_results")
    assert tasks and {t["author"] for t in tasks} == {authors.author_identity(other.settings)}
    assert {r["task_id"] for r in results} <= {t["task_id"] for t in tasks}
    assert author(first).counts["written"] == 6
    assert rows_of(first, "tasks", "authored") == before
    assert len(CALLS) == 6


def test_other_author_settings_ask_again(tmp_path):
    context = context_of(tmp_path, type="extractive", tasks_per_passage=1)
    fill(context, PASSAGE_LIST)
    author(context)
    assert author(context_of(tmp_path, type="extractive", tasks_per_passage=3)).counts["passages"] == 6
    assert {a["author"] for a in rows_of(context, "authored")[0]} == {authors.asked_as(settings_of(tasks_per_passage=3))}


def test_a_refusal_is_a_rejection_and_stays_until_its_passage_goes(tmp_path):
    context = context_of(tmp_path, **SCRIPTED | {"function": "test_author_stage:unusable", "revision": "0"})
    fill(context, PASSAGE_LIST)
    for _ in range(2):
        report = author(context)
        assert report.rejections == {"unparseable_reply": 6} and report.counts["tasks"] == 0
    fill(context, PASSAGE_LIST[:2], selected=False)
    assert author(context).rejections == {"unparseable_reply": 4}
    good = context_of(tmp_path, **SCRIPTED)
    assert author(good).rejections == {} and author(good).counts["tasks"] == 4


def test_tasks_leave_with_their_passages(tmp_path):
    context = context_of(tmp_path, **SCRIPTED)
    fill(context, PASSAGE_LIST)
    author(context)
    gate(context)
    fill(context, PASSAGE_LIST[:3], selected=False)
    assert author(context).counts == {"passages": 0, "pending": 0, "written": 0, "tasks": 3}
    gate(context)
    tasks, authored, results = rows_of(context, "tasks", "authored", "gate_results")
    kept = {p.passage_id for p in PASSAGE_LIST[3:]}
    assert {t["passage_id"] for t in tasks} == kept == {a["passage_id"] for a in authored}
    assert {r["task_id"] for r in results} == {t["task_id"] for t in tasks}


def test_a_renamed_document_gives_its_tasks_the_new_key(tmp_path):
    context = context_of(tmp_path, **SCRIPTED)
    fill(context, PASSAGE_LIST[:2])
    author(context)
    renamed = replace(PASSAGE_LIST[0], document_key="d/renamed.txt", anchor="p0/3")
    fill(context, [renamed])
    assert author(context).counts == {"passages": 1, "pending": 0, "written": 1, "tasks": 2}
    (tasks,) = rows_of(context, "tasks")
    assert {t["task_key"] for t in tasks} == {"d/1.txt#p0/0/0", "d/renamed.txt#p0/3/0"}


class Stops:
    """An author that ends the process's work after some passages, or leaves one pending."""

    identity, evidence_grade = "stops", "demo"

    def __init__(self, real, after: int | None = None, pending: str = "") -> None:
        self.real, self.after, self.pending = real, after, pending

    def write(self, passages) -> Iterator[Authored]:
        for number, authored in enumerate(self.real.write(passages)):
            if number == self.after:
                raise KeyboardInterrupt
            yield Authored(authored.passage_id, pending=True) if authored.passage_id == self.pending else authored


def wrapped(monkeypatch, **options) -> None:
    @contextmanager
    def opening(settings, workspace, **given):
        with authors.open_author(settings, workspace, **given) as real:
            yield Stops(real, **options)

    monkeypatch.setattr(author_module, "open_author", opening)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> list:
    """Rows of a run that nothing stopped."""
    context = context_of(tmp_path_factory.mktemp("whole"), type="extractive")
    fill(context, PASSAGE_LIST)
    author(context)
    return rows_of(context, "tasks", "authored", "rejections")


@pytest.mark.parametrize("after", [0, 1, 4, 5])
def test_stopped_anywhere_a_second_run_ends_with_the_same_rows(tmp_path, monkeypatch, whole, after):
    context = context_of(tmp_path, type="extractive")
    fill(context, PASSAGE_LIST)
    with monkeypatch.context() as patch:
        patch.setattr(author_module, "BATCH_PASSAGES", 2)
        wrapped(patch, after=after)
        with pytest.raises(KeyboardInterrupt):
            author(context)
    assert author(context).counts["passages"] == 6 - after  # what was finished was kept
    assert rows_of(context, "tasks", "authored", "rejections") == whole


def test_a_kill_between_commits_loses_no_more_than_a_batch(tmp_path, monkeypatch):
    context = context_of(tmp_path, type="extractive")
    fill(context, PASSAGE_LIST)
    monkeypatch.setattr(author_module, "BATCH_PASSAGES", 2)
    folded = warehouse.Warehouse.fold

    def dies(self, table, rows):
        if table == "rejections" and len(rows_in := self.table("authored").to_pylist()) >= 4:
            raise MemoryError(f"{len(rows_in)} asked")  # inside the transaction of the second batch
        return folded(self, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr(warehouse.Warehouse, "fold", dies)
        with pytest.raises(MemoryError):
            author(context)
    tasks, authored = rows_of(context, "tasks", "authored")
    assert len(authored) == 2 and {t["passage_id"] for t in tasks} <= {a["passage_id"] for a in authored}
    assert author(context).counts["passages"] == 4


def test_pending_passages_wait_for_the_next_run(tmp_path, monkeypatch):
    context = context_of(tmp_path, type="extractive")
    fill(context, PASSAGE_LIST)
    with monkeypatch.context() as patch:
        wrapped(patch, pending=PASSAGE_LIST[2].passage_id)
        assert author(context).counts["pending"] == 1
    (authored,) = rows_of(context, "authored")
    assert PASSAGE_LIST[2].passage_id not in {a["passage_id"] for a in authored}
    assert author(context).counts["passages"] == 1 and author(context).counts["passages"] == 0


def test_the_gate_names_the_first_refusal_with_its_figure(tmp_path):
    context = context_of(tmp_path, **SCRIPTED)
    fill(context, [*PASSAGE_LIST, passage_of(7, PASSAGE_LIST[0].text + "  End.", document="9")])
    author(context)
    report = gate(context)
    assert report.counts == {"tasks": 7, "passed": 6, "refused": 1} and report.rejections == {"duplicate_question": 1}
    tasks, results, rejections = rows_of(context, "tasks", "gate_results", "rejections")
    (refusal,) = rejections
    by_id = {t["task_id"]: t for t in tasks}
    assert by_id[refusal["record_id"]]["document_key"] == "d/9.txt" and refusal["detail"].startswith("figure 1: similarity 1.00 to d/0.txt")
    failed = [r for r in results if not r["passed"]]
    assert [(r["task_id"], r["gate"], r["severity"]) for r in failed] == [(refusal["record_id"], "duplicate_question", "error")]


def test_other_thresholds_leave_no_old_findings(tmp_path):
    context = context_of(tmp_path, **SCRIPTED)
    fill(context, PASSAGE_LIST)
    author(context)
    strict = replace(context, settings=context.settings.model_copy(update={"gates": GateSettings(min_criteria=5)}))
    assert gate(strict).rejections == {"criteria_band": 6}
    assert {r["gate"] for r in rows_of(context, "gate_results")[0]} == set(GATES)  # nothing was left for the corpus gate
    assert gate(context).rejections == {} and rows_of(context, "rejections") == [[]]


def test_an_empty_workspace_is_one_clear_line(tmp_path):
    context = context_of(tmp_path, **SCRIPTED | {"function": "test_author_stage:unusable"})
    with pytest.raises(FactoryError, match=r"no passage in the workspace.*fix: run rubric-factory passages"):
        author(context)
    fill(context, PASSAGE_LIST)
    with pytest.raises(FactoryError, match=r"no task in the workspace.*fix: run rubric-factory author"):
        gate(context)
    author(context)
    assert gate(context).counts == {"tasks": 0, "passed": 0, "refused": 0}  # all were refused: that is an outcome
