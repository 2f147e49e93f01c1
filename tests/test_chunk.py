"""Chunks: exact offsets, every word kept, sizes, structure, pages, and anchors that survive edits elsewhere."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubric_factory.passages.blocks import Budget, Kind, blocks, pieces, sentence_cuts
from rubric_factory.passages.characters import Sizes
from rubric_factory.passages.chunk import chunk
from rubric_factory.passages.quality import assess, measure
from rubric_factory.records import Document, Section
from rubric_factory.settings.passages import PassageSettings

SMALL = PassageSettings(min_words=5, target_words=12, max_words=20)
PROSE = "The valve opens when the pressure exceeds four bar, and closes again below three bar."


def document(text, sections=(), page_starts=()):
    return Document(
        "a" * 64, "s/x.txt", "s", "x.txt", "text/plain", len(text), text, page_starts=tuple(page_starts), sections=tuple(sections)
    )


def sentences(count, word="alpha"):
    return " ".join(f"Sentence {word} {number} has exactly seven words." for number in range(count))


fragments = st.lists(
    st.sampled_from(
        [
            "Word",
            "alpha beta",
            ". ",
            "\n",
            "\n\n",
            "```\n",
            "| a | b |\n",
            " ",
            "# Head\n",
            "İ",
            "ß.",
            "x=1;\n",
            "。",
            "٣",
            "-",
            "_",
            "a:\n",
        ]
    )
    | st.text(max_size=12),
    max_size=120,
).map("".join)


@st.composite
def documents(draw):
    text = draw(fragments)
    offset = st.integers(0, len(text))
    sections = draw(
        st.lists(st.builds(Section, offset, st.integers(1, 4), st.sampled_from(["A", "B", " A ", "", "A > B", "A [2]"])), max_size=8)
    )
    return document(text, sections, sorted(draw(st.lists(offset, max_size=5))))


@given(documents(), st.integers(1, 6), st.integers(0, 6), st.integers(0, 8))
@settings(max_examples=300, deadline=None)
def test_passages_are_exact_ordered_disjoint_bounded_and_lose_no_word(doc, least, more, most):
    found = chunk(doc, PassageSettings(min_words=least, target_words=least + more, max_words=least + more + most))
    end = 0
    for passage in found:
        assert end <= passage.char_start < passage.char_end <= len(doc.text)
        assert passage.text == doc.text[passage.char_start : passage.char_end] == passage.text.strip()
        assert len(re.findall(r"\w+", passage.text)) <= least + more + most
        assert passage.page_start == sum(start <= passage.char_start for start in doc.page_starts)
        assert passage.page_end == sum(start < passage.char_end for start in doc.page_starts)
        assert not re.search(r"\S", doc.text[end : passage.char_start]), "only white space lies between passages"
        end = passage.char_end
    assert not re.search(r"\S", doc.text[end:])
    assert len({passage.anchor for passage in found}) == len(found)
    assert len({passage.passage_id for passage in found}) == len(found)


def test_closed_at_the_first_block_end_past_the_target():
    text = "\n\n".join(sentences(1) for _ in range(5))
    assert [p.text.count("Sentence") for p in chunk(document(text), SMALL)] == [2, 2, 1]


def test_over_long_paragraph_is_cut_at_sentences_and_not_at_abbreviations():
    text = "See Fig. 3 and e.g. Table 4 for the whole list of cases. " * 6
    for passage in chunk(document(text), SMALL):
        assert passage.text.startswith("See Fig.") and passage.text.endswith("cases.")


def test_tables_and_code_are_kept_whole_where_they_fit():
    table = "| a | b |\n|---|---|\n| one | two |"
    code = "```\nx = 1\n\n\ny = 2\n```"
    text = f"{PROSE}\n\n{table}\n\n{code}\n\n{PROSE}"
    assert [b.kind for b in blocks(text, 0, len(text))] == [Kind.PROSE, Kind.TABLE, Kind.CODE, Kind.PROSE]
    found = [p.text for p in chunk(document(text), SMALL)]
    assert sum(table in p for p in found) == 1
    assert sum(code in p for p in found) == 1


def test_long_tables_are_cut_between_rows():
    rows = [f"| {number} | name {number} | value {number} |" for number in range(20)]
    for passage in chunk(document("\n".join(rows)), SMALL):
        assert set(passage.text.split("\n")) <= set(rows)


def test_sections_name_passages_and_short_ones_join_what_they_introduce():
    text = f"Guide\n\nInstall\n\n{PROSE}\n\nUse\n\n{PROSE}"
    heads = [Section(0, 1, "Guide"), Section(7, 2, "Install"), Section(text.index("Use\n"), 2, "Use")]
    found = chunk(document(text, heads), SMALL)
    assert [(p.anchor, p.section) for p in found] == [("§Guide > Install/1", "Guide > Install"), ("§Guide > Use/1", "Guide > Use")]
    assert found[0].text.startswith("Guide\n\nInstall")


def test_a_short_rest_of_a_chapter_does_not_join_the_next_chapter():
    text = f"{PROSE}\n\nOne two.\n\nNext\n\n{PROSE}"
    heads = [Section(0, 2, "A"), Section(text.index("One"), 2, "B"), Section(text.index("Next"), 1, "C")]
    assert [p.section for p in chunk(document(text, heads), SMALL)] == ["A", "B", "C"]


def test_repeated_section_titles_get_different_anchors():
    text = "\n\n".join(f"Notes\n\n{PROSE}" for _ in range(3))
    heads = [Section(match.start(), 1, "Notes") for match in re.finditer("Notes", text)]
    found = chunk(document(text, heads), SMALL)
    assert [p.anchor for p in found] == ["§Notes/1", "§Notes [2]/1", "§Notes [3]/1"]
    assert {p.section for p in found} == {"Notes"}


def test_an_edit_in_one_section_leaves_anchors_and_texts_of_the_others():
    def parts(first):
        text = f"One\n\n{first}\n\nTwo\n\n{sentences(9, 'beta')}"
        return chunk(document(text, [Section(0, 1, "One"), Section(text.index("Two"), 1, "Two")]), SMALL)

    before, after = parts(sentences(4)), parts(sentences(11, "gamma"))
    second = [[(p.anchor, p.text) for p in found if p.section == "Two"] for found in (before, after)]
    assert second[0] == second[1]
    assert len(second[0]) > 2


def test_without_sections_anchors_name_the_page():
    first, second = sentences(4), sentences(4, "beta")
    found = chunk(document(f"{first}\n\n{second}", page_starts=[0, len(first) + 2]), SMALL)
    assert [p.anchor for p in found] == ["p1/1", "p1/2", "p2/1", "p2/2"]
    assert [(p.page_start, p.page_end) for p in found] == [(1, 1), (1, 1), (2, 2), (2, 2)]


def test_a_sentence_that_a_page_break_cuts_stays_in_one_passage():
    text = f"{PROSE}\n\nThe second rule says that the pump\n\nstops at once. {sentences(3)}"
    found = chunk(document(text), PassageSettings(min_words=5, target_words=18, max_words=30))
    assert any("the pump\n\nstops at once." in p.text for p in found)


def test_a_lead_in_keeps_its_list():
    text = f"{PROSE}\n\nThere are two cases:\n\n- Cold start\n- Warm start"
    found = chunk(document(text), PassageSettings(min_words=2, target_words=17, max_words=40))
    assert found[0].text == text


def test_a_single_monstrous_line_is_cut_between_words():
    found = chunk(document("word " * 1000), SMALL)
    assert [len(p.text.split()) for p in found] == [20] * 50


@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_sizes_count_words_like_the_pattern(text, one, other):
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    assert Sizes(text).words(start, end) == len(re.findall(r"\w+", text[start:end]))


def test_sentences_of_other_scripts_are_found():
    assert list(sentence_cuts("これは文です。次の文です。", 0, 13)) == [7, 13]
    text = "Das Ventil öffnet. Über vier Bar schließt es."
    assert [text[cut:] for cut in sentence_cuts(text, 0, len(text))] == ["Über vier Bar schließt es."]


def test_pieces_cover_the_block():
    text = sentences(6)
    (block,) = blocks(text, 0, len(text))
    assert " ".join(text[p.start : p.end] for p in pieces(text, block, Budget(Sizes(text), 20, 1000))) == text


def test_sizes_must_ascend():
    with pytest.raises(ValueError, match="min_words <= target_words <= max_words"):
        PassageSettings(min_words=100, target_words=50)


GOOD = (
    "The controller reads every sensor once in ten seconds and writes what it finds to a register, unless the bus is busy. A busy bus "
    "delays that step by at most forty milliseconds, because arbitration gives each node one slot per frame. When two readings differ by "
    "more than three degrees, the alarm relay closes and stays closed until an operator clears it. Maintenance staff should therefore "
    "check wiring before they replace any part: loose contacts cause most false alarms during cold weather."
)
ROW = "Chapter on {} valves and their seats . . . . . . . . . . . {}"
REFERENCE = "Smith, J. A. and Meyer, K. (2019). On valves. Journal of Valves, 12(3), pp. 4-9. doi:10.1/x."


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("too_short", PROSE),
        ("table_of_contents", "\n".join(ROW.format(name, number) for number, name in enumerate("abcdefghijkl"))),
        ("index", "\n".join(f"valve, {name} of the seat {number}, {number + 3}" for number, name in enumerate("abcdefghijklmn"))),
        ("bibliography", "\n".join([REFERENCE] * 6)),
        (
            "licence",
            "Permission is hereby granted, free of charge, to any person, to deal in it without restriction. It is provided as is, without "
            "warranty of any kind, express or implied. In no event shall the copyright holders be liable for any claim or other liability. "
            * 2,
        ),
        ("code_heavy", "\n".join(f"int value_{number} = read(sensor, {number}, flags);" for number in range(20))),
        ("symbol_heavy", f"{GOOD}\n" + "=+/<>|~^#@ " * 30),
        (
            "number_heavy",
            "\n".join(f"The series of values is 0.{n}1 and 1.{n}2 and 3.{n}4 and 55.{n}6 and 77.{n}8 there" for n in range(10)),
        ),
        ("navigation", "\n".join(f"Menu item {name} page" for name in "abcdefghijklmnopqrst")),
        ("repetitive", f"{PROSE} " * 9),
        ("few_sentences", re.sub(r"[.,:]", "", GOOD)),
    ],
)
def test_each_kind_of_text_not_worth_asking_about_is_refused_with_its_figure(reason, text):
    quality = assess(text, "", PassageSettings())
    assert quality.reason == reason
    assert re.search(r"\d", quality.detail)
    assert 0 <= quality.score <= 1


def test_good_prose_passes_and_scores_above_what_is_refused():
    quality = assess(GOOD, "Operation > Sensors", PassageSettings())
    assert (quality.reason, quality.detail) == ("", "")
    assert quality.score > 0.6
    assert measure(GOOD).sentences == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "Wenn der Druck {} bar übersteigt, öffnet das Ventil {} und die Pumpe bleibt stehen. ",
        "Если давление превышает {} бар, клапан {} открывается, и насос останавливается. ",
        "当压力超过{}巴时，阀门{}打开，水泵立即停止运行，直到操作员重新启动。",
    ],
)
def test_prose_of_other_languages_is_fit(sentence):
    text = "".join(sentence.format(3 * number, chr(97 + number) * 3) for number in range(24))
    assert measure(text).sentences > 0.9
    assert assess(text, "", PassageSettings()).reason != "few_sentences"


def test_back_matter_is_refused_by_its_heading():
    assert assess(GOOD, "Manual > 7 References", PassageSettings()).reason == "back_matter"
    assert assess(GOOD, "Manual > Reference voltage", PassageSettings()).reason == ""


@given(fragments, st.sampled_from(["", "A > References", "A"]))
@settings(deadline=None)
def test_every_text_gets_a_score_and_a_refusal_its_detail(text, section):
    quality = assess(text, section, PassageSettings())
    assert 0 <= quality.score <= 1
    assert bool(quality.reason) == bool(quality.detail)
