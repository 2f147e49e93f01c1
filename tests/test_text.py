"""The shared tokeniser, overlap rules and safe display."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.text import clean, longest_shared_run, printable, shares_run, shingles, squeeze, words

TOKENS = st.lists(st.sampled_from("abc"), max_size=14)


def test_words_are_lower_cased_word_runs():
    assert words("The 3.5 kV X-ray — Ångström's x²") == ["the", "3", "5", "kv", "x", "ray", "ångström", "s", "x²"]


@given(TOKENS, st.integers(1, 6))
def test_shingles_are_all_runs_of_that_size(tokens, size):
    found = list(shingles(tokens, size))
    assert len(found) == max(0, len(tokens) - size + 1)
    assert all(list(run) == tokens[i : i + size] for i, run in enumerate(found))


def _slow_longest(left, right):
    runs = [(i, j) for i in range(len(left)) for j in range(i + 1, len(left) + 1)]
    inside = [j - i for i, j in runs if any(left[i:j] == right[k : k + j - i] for k in range(len(right)))]
    return max(inside, default=0)


@given(TOKENS, TOKENS)
def test_longest_shared_run_equals_the_slow_definition(left, right):
    assert longest_shared_run(left, right) == _slow_longest(left, right) == longest_shared_run(right, left)


@given(TOKENS, TOKENS, st.integers(1, 6))
def test_shares_run_agrees_with_the_longest(left, right, size):
    assert shares_run(left, right, size) == (longest_shared_run(left, right) >= size)


def test_clean_counts_what_it_removes_and_keeps_meaning():
    assert clean("a\u200bb\u202ec\x02d\x1be\ufeff\U000e0041") == ("abcde", 6)
    assert clean("one\r\ntwo\rthree\tfour") == ("one\ntwo\nthree\tfour", 0)
    assert clean("e\u0301 x\u00b2") == ("é x\u00b2", 0)
    assert clean("a\ud800b") == ("a\ufffdb", 0)


@given(st.text())
def test_clean_is_idempotent(text):
    once, _ = clean(text)
    assert clean(once) == (once, 0)


@given(st.text(), st.integers(1, 40))
def test_printable_is_one_safe_line_within_its_limit(text, limit):
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert "\n" not in shown and "\x1b" not in shown and "\u202e" not in shown and "\x9b" not in shown


def test_printable_shows_what_it_disarms():
    assert printable("\x1b[31mred\u202e") == "<U+001B>[31mred<U+202E>"
    assert printable("abcdef", 4) == "abc…"


@pytest.mark.parametrize(("text", "squeezed"), [("  a \n\t b ", "a b"), ("", ""), ("\u00a0x\u2003y", "x y")])
def test_squeeze(text, squeezed):
    assert squeeze(text) == squeezed
