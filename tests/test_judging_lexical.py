"""The lexical judge: what it credits, and what does not pay."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_judges import hand_made_tasks

from rubric_factory.judging.failures import decide
from rubric_factory.judging.lexical import LexicalJudge
from rubric_factory.judging.lexical.match import element, known_numbers, same_polarity, stated
from rubric_factory.judging.lexical.terms import sentences, stem, terms
from rubric_factory.judging.probes.run import failed_errors, run_probes
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Category, Criterion, Evidence, Level, Rubric
from rubric_factory.settings.judge import GradingSettings, ProbeSettings

JUDGE = LexicalJudge(GradingSettings())
PROBES = hand_made_tasks()
PUMP = PROBES[0]
FILLER = "The station book holds many entries about weather and traffic in this year".split()  # noqa: SIM905
REFERENCE = PUMP.task.reference_answer


def reward(response, probe=PUMP):
    found = JUDGE.grade_many([JudgeInput.of(probe.task, probe.passage_text, response)])
    return decide([probe.task.rubric], found)[0].reward


def test_the_reference_earns_everything_and_a_paraphrase_most():
    assert reward(REFERENCE) == 1.0
    assert reward("A Kestrel pump is closing its inlet valves at 35 bars, since otherwise the load would damage its shaft seal.") == 1.0
    assert reward("The Kestrel pump closes its inlet valve.") == pytest.approx(5 / 12)


def test_all_error_probes_pass_on_the_hand_made_tasks():
    results = {r.name: r for r in run_probes(JUDGE, PROBES, ProbeSettings(), 2)}
    assert failed_errors(list(results.values())) == []
    assert results["reference"].value >= 0.95 and results["changed_number"].value >= 0.9 and results["changed_unit"].value >= 0.9
    assert results["negation"].value >= 0.5 and results["injection_captures"].value == 0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "closes its inlet valve, 35 bar, damage the shaft seal",
        "closes its inlet valve and the 35 bar and the damage the shaft seal",
        "Kestrel pump, closes its inlet valve, 35 bar, damage shaft seal, load, horn",
        "The the of closes a its of inlet valve the at 35 bar a damage of the shaft seal the Kestrel is the.",
        PUMP.task.question,
        PROBES[4].task.reference_answer,
        (REFERENCE + " ") * 4,
        PUMP.passage_text * 6,
    ],
)
def test_cheap_answers_earn_nothing(answer):
    assert reward(answer) <= 0.05


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("35 bar", "45 bar"),
        ("35 bar", "35 mm"),
        ("35 bar", "-35 bar"),
        ("35 bar", "350 bar"),
        ("closes", "does not close"),
        ("would", "would never"),
    ],
)
def test_a_changed_fact_costs(good, bad):
    assert reward(REFERENCE.replace(good, bad)) <= 1.0 - 4 / 12


def test_an_answer_that_goes_on_from_the_question_counts_without_saying_its_words_again():
    assert reward("closes its inlet valve and sounds a horn at 35 bar because a higher load would damage the shaft seal") == 1.0
    assert reward("opens the lid at 35 bar, if anything does") <= 0.0


def test_a_denial_of_everything_earns_nothing_and_meets_an_elementless_pitfall():
    passage = PUMP.passage_text
    end = passage.index(" and sounds")
    evidence = (Evidence(0, end, passage[:end]),)
    guide = (Level(0, "no"), Level(1, "yes"))
    pitfall = Criterion("p", "Opposite claim", "Denies the reaction.", Category.PITFALL, -2, (), guide, (), evidence)
    rubric = Rubric((*PUMP.task.rubric.criteria[:3], pitfall))
    denial = "The Kestrel pump does not close its inlet valve."

    def graded(answer):
        return [v.level for v in JUDGE.grade_many([JudgeInput("t", "r", PUMP.task.question, passage, rubric, answer)])[0].verdicts]

    assert graded(denial) == [0, 0, 0, 1] and graded(REFERENCE) == [1, 1, 1, 0] and graded("") == [0, 0, 0, 0]


def test_a_pitfall_with_elements_is_met_only_where_they_are_there_and_no_guard_lowers_it():
    assert reward("The valve opens wide.") < 0
    assert reward("opens wide, opens wide, opens wide, opens wide") < 0


def test_over_long_answers_are_zero_by_rule():
    assert reward("x" * 8001) == 0.0


@given(st.integers(0, 60), st.randoms(use_true_random=False))
def test_words_added_to_an_answer_never_add_to_its_reward(count, draw):
    filler = [draw.choice(FILLER) for _ in range(count)]
    weak = "The Kestrel pump closes its inlet valve."
    assert reward(f"{weak} {' '.join(filler)}.") <= reward(weak)


def test_shuffling_the_words_costs():
    draw, found = random.Random(3), []
    for probe in PROBES:
        parts = probe.task.reference_answer.split()
        found += [reward(" ".join(draw.sample(parts, len(parts))), probe) for _ in range(5)]
    assert sum(found) / len(found) < 0.5


@given(st.text(max_size=400))
def test_any_text_gets_a_full_set_of_levels_within_range(text):
    verdicts = JUDGE.grade_many([JudgeInput.of(PUMP.task, PUMP.passage_text, text)])[0].verdicts
    assert [v.criterion_key for v in verdicts] == [c.criterion_key for c in PUMP.task.rubric.criteria]
    assert all(0 <= v.level <= c.max_level for v, c in zip(verdicts, PUMP.task.rubric.criteria, strict=True))


@pytest.mark.parametrize(
    ("one", "two"),
    [("2,000 items", "2000 items"), ("25 mm", "25 millimetres"), ("25mm", "25 mm"), ("two files", "2 files"), ("1.50", "1.5"),
     ("50 %", "50 percent"),
     ("isn't set", "is not set"), ("valves", "valve"), ("closing", "closes"), ("copied", "copying"), ("stopped", "stops")],
)  # fmt: skip
def test_spellings_of_one_thing_are_one(one, two):
    assert [t.stem for t in terms(one)][-2:] == [t.stem for t in terms(two)][-2:]


@pytest.mark.parametrize(
    ("one", "two"), [("5 points", "5 bars"), ("25 mm", "25 cm"), ("1.5", "15"), ("5", "-5"), ("mass", "mast"), ("x86", "x87"), ("-3", "3")]
)
def test_other_things_stay_apart(one, two):
    assert [t.stem for t in terms(one)] != [t.stem for t in terms(two)]


@given(st.text(alphabet="abcdefgilnsuy", min_size=1, max_size=14))
def test_stems_are_never_longer_than_the_word_and_never_empty(word):
    assert 0 < len(stem(word)) <= len(word) + 1


def test_a_number_needs_its_unit_only_where_the_element_has_one():
    assert stated(element("35 bar"), terms("It is 35 bar.")) and not stated(element("35 bar"), terms("It is 35 of a bar."))
    assert stated(element("35"), terms("There are 35 of them.")) and stated(element("35"), terms("It is 35 kg."))


def test_long_elements_allow_for_other_words_short_ones_do_not():
    sentence = terms("The cache keeps a copy of the last four blocks")
    assert stated(element("cache keeps copy of the last blocks read"), sentence)
    assert not stated(element("cache drops"), sentence)


def test_polarity_is_that_of_the_nearest_sentence_of_the_passage():
    passage = sentences("The lid must not be opened. The valve is closed at night.")
    assert same_polarity(terms("The lid must not be opened"), passage) and not same_polarity(terms("The lid must be opened"), passage)
    assert same_polarity(terms("The valve is closed at night"), passage) and not same_polarity(
        terms("The valve is never closed at night"), passage
    )


def test_numbers_must_be_known_and_so_must_their_units():
    known = {"5": {"[second]", ""}, "7": {""}}
    assert known_numbers(terms("at 5 s and 7 mm and 5 of them"), known)
    assert not known_numbers(terms("at 6"), known) and not known_numbers(terms("at 5 mm"), known)
