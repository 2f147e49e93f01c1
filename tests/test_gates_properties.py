"""Properties of the gates' arithmetic, each against a brute-force definition."""

import re
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.gates.duplicate_question import duplicate_question
from rubric_factory.gates.prompt_overlap import shared_run, without_run
from rubric_factory.gates.wording import content, jaccard
from rubric_factory.records import Message
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import words

LETTERS = st.sampled_from(["ab", "cd", "ef", "gh"])
TOKENS = st.lists(LETTERS, max_size=12)


def runs(tokens: list[str]) -> set[tuple[str, ...]]:
    return {tuple(tokens[i:j]) for i, j in product(range(len(tokens)), range(len(tokens) + 1)) if i < j}


@given(TOKENS, TOKENS)
def test_shared_run_is_the_longest_common_run(prompt, passage):
    expected = max((len(run) for run in runs(prompt) & runs(passage)), default=0)
    assert shared_run([Message("user", " ".join(prompt))], " ".join(passage), "") == expected


def left_to_right(tokens: list[str], title: list[str]) -> list[str]:
    """The definition of removal by regular expression, on a text in which every token is one letter."""
    letters = dict(zip(("ab", "cd", "ef", "gh"), "wxyz", strict=True))
    text = re.sub("".join(letters[token] for token in title), "", "".join(letters[token] for token in tokens))
    return [token for letter in text for token, name in letters.items() if name == letter]


@given(TOKENS, TOKENS, st.lists(LETTERS, min_size=3, max_size=4))
def test_the_title_is_taken_out_before_counting(prompt, passage, title):
    """As the dataset contract says it, on text: the title removed, then the longest run of `\\w+` tokens counted."""
    removed = without_run(prompt, title)
    assert removed == left_to_right(prompt, title)
    expected = max((len(run) for run in runs(removed) & runs(passage)), default=0)
    assert shared_run([Message("user", " ".join(prompt))], " ".join(passage), " ".join(title)) == expected


@given(TOKENS, st.lists(LETTERS, min_size=1, max_size=3))
def test_a_short_title_never_lowers_the_count(tokens, title):
    prompt = [Message("user", " ".join(tokens))]
    short = title[:2]
    assert shared_run(prompt, " ".join(tokens), " ".join(short)) == len(tokens)


VOCABULARY = [f"word{n}" for n in range(8)]
QUESTIONS = st.lists(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=8), max_size=12)


@given(QUESTIONS, st.sampled_from([0.5, 0.6, 0.75, 0.85, 1.0]))
def test_duplicate_questions_are_those_that_brute_force_finds(questions, threshold):
    named = {f"k{n:02d}": " ".join(tokens) for n, tokens in enumerate(questions)}
    findings = duplicate_question(named, GateSettings(duplicate_question_jaccard=threshold))
    kept: list[str] = []
    for key in sorted(named):
        alike = [jaccard(set(content(named[key])), set(content(named[other]))) for other in kept]
        duplicate = any(value >= threshold for value in alike)
        assert findings[key].passed is not duplicate
        if not duplicate:
            kept.append(key)


def test_duplicate_question_keeps_the_first_by_key_whatever_the_order():
    question = "Why does a silicon module lose power when it becomes hot?"
    other = "Why does the silicon module lose its power when becoming hot?"
    far = "How does a heat pump move energy from a cold place?"
    for order in (["b", "a", "c"], ["a", "b", "c"]):
        texts = {"a": question, "b": other, "c": far}
        findings = duplicate_question({key: texts[key] for key in order}, GateSettings())
        assert {key: finding.passed for key, finding in findings.items()} == {"a": True, "b": False, "c": True}


def test_word_runs_are_counted_over_lowercased_word_tokens():
    passage = "The Band-Gap, of SILICON (narrows) with temperature; which lowers"
    prompt = [Message("user", "the band gap of silicon narrows with temperature")]
    assert shared_run(prompt, passage, "") == len(words(prompt[0].content)) == 8
