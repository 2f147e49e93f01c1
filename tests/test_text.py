"""The shared tokeniser, overlap rules and safe display."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.text import clean, longest_shared_run, printable, shares_run, shingles, squeeze, words

TOKENS = st.lists(st.sampled_from("abc"), max_size=14)


@given(st.text(st.characters(), max_size=40))
def test_words_are_what_the_regular_expression_finds(text):
    assert words(text) == re.findall(r"\w+", text.lower())


def test_every_character_is_a_word_character_or_not_as_the_regular_expression_says():
    every = [f"a{chr(code)}b" for code in range(sys.maxunicode + 1)]
    whole = " ".join(every)
    assert words(whole) == re.findall(r"\w+", whole.lower())
    few = [" ".join(every[start : start + 16]) for start in range(0, 0x3000, 16)]
    assert [words(text) for text in few] == [re.findall(r"\w+", text.lower()) for text in few]


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


# Everything a policy speaks of is likelier here than in st.text().
ANY = st.text(
    st.one_of(
        st.characters(), st.sampled_from("\r\n\t \x0b\x1b\u00a0\u00ad\u200b\u202e\u2028\ue000\ufb01\ufe0f\u0301e\U000e0041\ud800\udc00")
    )
)


@given(ANY)
def test_clean_is_idempotent(text):
    once, _ = clean(text)
    assert clean(once) == (once, 0)


@given(ANY)
def test_clean_text_is_normal_and_shows_all_it_has(text):
    cleaned, _ = clean(text)
    assert unicodedata.is_normalized("NFC", cleaned)
    kinds = {unicodedata.category(ch) for ch in cleaned if ch not in "\t\n"}
    assert not kinds & {"Cc", "Cs", "Co", "Zl", "Zp"}
    assert not any(ch.isspace() and ch not in " \t\n" for ch in cleaned)


@given(ANY)
def test_clean_counts_every_removed_character(text):
    """Without folding (line ends, ligatures, surrogate pairs, composition) length is what it was, less what was removed."""
    plain = re.sub("[\r\ufb00-\ufb06\ud800-\udfff]", "", text)
    plain = "".join(
        ch
        for ch in plain
        if (unicodedata.normalize("NFC", ch) == ch and not unicodedata.combining(ch) and ord(ch) < 0x1100) or ch in "\u200b\ue000"
    )
    cleaned, removed = clean(plain)
    assert len(cleaned) + removed == len(plain)


@pytest.mark.parametrize(
    ("text", "cleaned", "removed"),
    [
        ("x\u00b2 \u2460 \u212b", "x\u00b2 \u2460 \u00c5", 0),  # NFC: no compatibility folding, canonical singletons folded
        ("\ufb01rst e\ufb00ect \ufb04", "first effect ffl", 0),
        ("a\u00a0b\u2009c\u3000d", "a b c d", 0),
        ("a\u2028b\x85c", "a\nb\nc", 0),
        ("a\ufe0f\u2764\U000e0100", "a\u2764", 2),
        ("\ue000\uf8ff\U000f0001x", "x", 3),
        ("\u115f\u3164\u034f\u061cx", "x", 4),
        ("a\ufffeb\uffff\ufffc", "ab", 3),
        ("f\u2061(x)\u2062y", "f(x)y", 2),
        ("a" + "\u0323" * 32, "\u1ea1" + "\u0323" * 29, 2),
        ("\ud83d\ude00 \ud800", "\U0001f600 \ufffd", 0),
    ],
)
def test_the_unicode_policy(text, cleaned, removed):
    assert clean(text) == (cleaned, removed)


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
