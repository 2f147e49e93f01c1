"""The author and gate stages over a small warehouse: idempotent, resumable, one author at a time, nothing silent."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from rubric_factory import warehouse
from rubric_factory.authoring import authors
from rubric_factory.authoring.protocol import Authored
from rubric_factory.llm.protocol import Request
from rubric_factory.progress import Progress
from rubric_factory.records import Passage
from rubric_factory.settings import Settings
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
