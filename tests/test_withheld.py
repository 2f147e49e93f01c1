"""Papers in two: which headings say what, that nothing withheld is ever shown, and that a document without a pair says why."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_passages_stage import document, ingested, make_context, outputs, prose

from rubric_factory.passages.chunk import chunk
from rubric_factory.passages.measures import measured
from rubric_factory.passages.withheld import VISIBLE, WITHHELD, Kind, kind_of, kind_of_path, row_of, split_of
from rubric_factory.records import Section
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.stages import passages as stage
from rubric_factory.text import words
from rubric_factory.workspace import Workspace

SIZES = {"min_words": 20, "target_words": 40, "max_words": 90}
SETTINGS = PassageSettings(**SIZES, withheld_sections=True, visible_words=150)
PAPER = ("Abstract", "1 Introduction", "2 Methods", "3 Results", "4 Conclusion", "References")


def paper(*headings, levels=None, genre="paper", count=3, name="p.txt"):
    """A document with a paragraph of words of its own under each heading."""
    text, sections = "", []
    for number, heading in enumerate(headings):
        sections.append(Section(len(text), levels[number] if levels else 1, heading))
        text += f"{heading}\n\n{prose(f'{name[0]}part{number}x', count)}\n\n"
    return replace(document(name, text.rstrip(), sections), genre=genre)


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Abstract", Kind.FRONT),
        ("1. Introduction", Kind.FRONT),
        ("II. Background and motivation", Kind.FRONT),
        ("2.1 Experimental set-up", Kind.METHODS),
        ("Materials and Methods", Kind.METHODS),
        ("4 Results and discussion", Kind.RESULTS),
        ("Numerical experiments", Kind.RESULTS),
        ("5. EVALUATION", Kind.RESULTS),
        ("Summary and outlook", Kind.CONCLUSION),
        ("Concluding remarks", Kind.CONCLUSION),
        ("Methods and results", Kind.MIXED),
        ("Evaluation procedure", Kind.MIXED),
        ("References", Kind.BACK),
        ("Appendix B: more results", Kind.BACK),
        ("3 Methods for linear mixed models", Kind.OTHER),
        ("The results() function", Kind.OTHER),
        ("Indexing of summaries", Kind.OTHER),
        ("Discussion of related work", Kind.OTHER),
        ("Summary of notation", Kind.OTHER),
        ("Background and related work", Kind.FRONT),
        ("Conclusion 12", Kind.OTHER),  # a line of a table of contents
        ("", Kind.OTHER),
    ],
)
def test_headings_say_what_stands_under_them_by_their_words_alone(heading, kind):
    assert kind_of(heading) is kind


def test_whatever_stands_under_a_withheld_heading_is_withheld_and_a_visible_one_does_not_show_results():
    assert kind_of_path("On pumps > Results > Setup") is Kind.RESULTS
    assert kind_of_path("On pumps > Methods > Apparatus") is Kind.METHODS
    assert kind_of_path("Introduction > Results") is Kind.MIXED
    assert kind_of_path("Conclusion > References") is Kind.BACK


def test_a_paper_shows_front_matter_and_methods_and_withholds_results_and_conclusion():
    made = paper(*PAPER)
    split, found = split_of(made, SETTINGS), chunk(made, SETTINGS)
    assert split.reason == "" and split.detail == "visible: Abstract; 1 Introduction; 2 Methods; withheld: 3 Results; 4 Conclusion"
    held = [passage.section for passage in found if split.holds(passage)]
    assert set(held) == {"3 Results", "4 Conclusion"}
    assert {"2 Methods", "Abstract"} <= set(split.visible.split("\n\n")) and "part3x" not in split.visible
    row = row_of(made, split, found)
    assert (row["reason"], row["passages"], row["visible_words"]) == ("", len(held), len(words(split.visible)))


def test_methods_keep_half_of_the_room_however_long_the_introduction_is():
    text = f"Introduction\n\n{prose('long', 20)}\n\n" + "Methods\n\n" + "\n\n".join(prose(f"way{n}", 1) for n in range(9)) + "\n\n"
    starts = [(0, "Introduction"), (text.index("Methods\n"), "Methods"), (len(text), "Results")]
    made = replace(document("l.txt", text + "Results\n\n" + prose("end"), [Section(at, 1, title) for at, title in starts]), genre="paper")
    visible = split_of(made, SETTINGS).visible
    assert "way0" in visible and "way5" in visible and len(words(visible)) <= SETTINGS.visible_words


def test_a_summary_that_opens_a_paper_is_its_abstract():
    split = split_of(paper("Summary", "1 Introduction", "2 Pumps", "3 Results"), SETTINGS)
    assert split.detail == "visible: Summary; 1 Introduction; 2 Pumps; withheld: 3 Results"


@pytest.mark.parametrize("opening", [("Conclusion", "Pumps"), ("Summary", "Results")])
def test_neither_a_conclusion_that_opens_a_paper_nor_what_a_summary_holds_of_results_is_its_abstract(opening):
    split = split_of(paper(*opening, "Introduction", "Methods", "Discussion", levels=(1, 2, 1, 1, 1), count=1), SETTINGS)
    assert "part0x" not in split.visible or opening[0] == "Summary"
    assert "part1x" not in split.visible


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (document("n.txt", prose("bare")), "no_headings"),
        (paper("Introduction", "Pumps", "References"), "no_withheld_part"),
        (paper("Pumps", "Results"), "no_visible_part"),
        (paper("Results", "Methods"), "withheld_first"),
        (paper("Introduction", "Conclusion", genre="manual"), "not_paper_like"),
        (paper("Introduction", "Installation", "Discussion", genre="manual"), "not_paper_like"),  # methods by its place alone
        (paper("Introduction", "Conclusion", count=0), "visible_part_short"),
    ],
)
def test_a_document_without_a_pair_says_why_and_every_passage_is_refused(made, reason):
    split = split_of(made, SETTINGS)
    assert split.reason == reason and split.detail and split.visible == ""
    rows = measured(made, SETTINGS, split=split)
    assert rows and all(row.quality.reason for row in rows)
    assert {row.quality.reason for row in rows} <= {"not_withheld", "too_short", "back_matter"}
    assert row_of(made, split, [row.passage for row in rows])["passages"] == 0


HEADINGS = st.sampled_from([*PAPER, "Pumps", "Discussion", "Summary", "Methods and results", "Setup", "Appendix", "Evaluation"])


@given(st.lists(st.tuples(HEADINGS, st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=9), st.sampled_from(["paper", "manual"]))
def test_no_word_of_a_withheld_section_is_ever_shown_and_no_passage_is_on_both_sides(parts, genre):
    text, sections, bodies = "", [], []
    for number, (heading, level, count) in enumerate(parts):
        sections.append(Section(len(text), level, heading))
        bodies.append(prose(f"part{number}x", count))
        text += f"{heading}\n\n{bodies[-1]}\n\n"
    made = replace(document("h.txt", text.rstrip() or "x", sections), genre=genre)
    split, found = split_of(made, SETTINGS), chunk(made, SETTINGS)
    paths = [kind_of_path(passage.section) for passage in found]
    held = [passage for passage in found if split.holds(passage)]
    assert bool(split.reason) == (split.visible == "") and (not split.reason or not held)
    assert len(words(split.visible)) <= SETTINGS.visible_words
    assert all(kind in WITHHELD for kind, passage in zip(paths, found, strict=True) if passage in held)
    for passage in held:
        shown = [number for number in range(len(parts)) if f"part{number}x" in passage.text and f"part{number}x" in split.visible]
        assert shown == []
    for number, (heading, _, _) in enumerate(parts):
        if kind_of(heading) in WITHHELD and not (heading == "Summary" and number < 3):
            assert f"part{number}x" not in split.visible
    assert all(split.refusal(passage) for passage in found if passage not in held)
    assert VISIBLE.isdisjoint(WITHHELD) and split == split_of(made, SETTINGS)


def test_the_stage_selects_withheld_passages_alone_and_tells_of_every_document(tmp_path):
    workspace = Workspace(tmp_path / "w")
    ingested(workspace, paper(*PAPER, name="a.txt"), paper("Introduction", "Pumps", name="b.txt"))
    plain = make_context(workspace, **SIZES)
    stage.passages(plain)
    before = outputs(workspace)
    context = make_context(workspace, **SIZES, withheld_sections=True)
    report = stage.passages(context)
    rows = outputs(workspace)
    assert report.counts["documents_cut"] == 2 and report.rejections["not_withheld"] > 0
    split = {row["document_key"]: row["reason"] for row in _rows(workspace, "withheld_sections")}
    assert split == {"s/a.txt": "", "s/b.txt": "no_withheld_part"}
    chosen = {row["passage_id"] for row in _rows(workspace, "selection") if row["selected"]}
    sections = {row["section"] for row in _rows(workspace, "passages") if row["passage_id"] in chosen}
    assert chosen and sections == {"3 Results", "4 Conclusion"}
    assert stage.passages(context).counts["documents_cut"] == 0 and outputs(workspace) == rows
    stage.passages(make_context(workspace, **SIZES, visible_words=333))
    assert outputs(workspace) == before and _rows(workspace, "withheld_sections") == [], "off again: the rows of before"


def test_other_rules_cut_anew_where_sections_are_withheld_and_nowhere_else(monkeypatch):
    plain, split = stage.cut_digest(PassageSettings()), stage.cut_digest(SETTINGS)
    assert plain == "553c29ca5ddfb4369b0d4b2a26ba1254b36622bc96bedcb0ebe162d338ec9f40", "as before there was such a mode"
    monkeypatch.setattr(stage, "SPLIT_VERSION", stage.SPLIT_VERSION + 1)
    assert stage.cut_digest(PassageSettings()) == plain and stage.cut_digest(SETTINGS) != split


def _rows(workspace, name):
    return pq.read_table(workspace.tables / f"{name}.parquet").to_pylist()
