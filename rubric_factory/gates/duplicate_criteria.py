"""duplicate_criteria: the same thing asked twice is paid twice."""

import re
from itertools import combinations

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import CONTRAST, claim_words, jaccard
from rubric_factory.records import Criterion
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable, squeeze, words

# How a description leads in to its claim: "States that", "Makes clear why", "The answer explains that"; else its first word, a verb.
CLAIM_LEAD = re.compile(r"^\W*(?:\w+\W+){1,6}?(?:that|why|how|whether)\b|^\W*\w+\b")
_NUMERAL_WORDS = "zero one two three four five six seven eight nine ten first second third fourth fifth sixth seventh eighth ninth tenth"
_NUMERALS = frozenset(_NUMERAL_WORDS.split())
_SYMBOL, _NAME = re.compile(r"(?<=\s)[A-Za-z]{1,3}\b"), re.compile(r"(?<=\s)[A-Z][\w-]*")  # not the first word, whose case means nothing
_PARALLEL = 0.5  # similarity from which two descriptions are built alike


def _claim(description: str) -> set[str]:
    """Words of what a description claims, without the words that lead in to it."""
    return set(claim_words(CLAIM_LEAD.sub("", description, count=1) or description))


def _names_a_thing(word: str) -> bool:
    """Whether a word is a number or a label, which tells one thing from the next of its kind."""
    return word in _NUMERALS or word.startswith("label_") or any(ch.isdigit() for ch in word)


def _told_apart_by_names(left: str, right: str) -> bool:
    """Whether each has a name that the other lacks, or short symbols differ in case alone, as alleles do: bb, Bb, BB are three."""
    names = set(_NAME.findall(left)), set(_NAME.findall(right))
    if names[0] - names[1] and names[1] - names[0]:
        return True
    here, there = set(_SYMBOL.findall(left)), set(_SYMBOL.findall(right))
    return bool({one.lower() for one in here - there} & {one.lower() for one in there - here})


def _parallel(left: Criterion, right: Criterion, claims: tuple[set[str], set[str]]) -> bool:
    """Whether two criteria say alike things of two things: each has a number, symbol or word of its title that the other lacks."""
    own = (claims[0] - claims[1], claims[1] - claims[0])
    numbered = all(any(map(_names_a_thing, lacked)) for lacked in own)
    titled = all(lacked & set(claim_words(one.title)) for lacked, one in zip(own, (left, right), strict=True))
    titles = [set(words(one.title)) & CONTRAST for one in (left, right)]
    opposed = bool(titles[0] - titles[1] and titles[1] - titles[0])  # "before the change", "after the change"
    return numbered or titled or opposed or _told_apart_by_names(left.description, right.description)


def duplicate_criteria(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: largest Jaccard similarity of what two criteria of the same sign claim, 1 where the required elements are the same.

    A pitfall may mirror a positive criterion: only criteria of the same sign are compared. Nor is the same asked of two things a duplicate.
    """
    worst, pair = 0.0, ""
    for left, right in combinations(item.task.rubric.criteria, 2):
        if (left.weight < 0) != (right.weight < 0):
            continue
        elements = [{squeeze(e).lower() for e in c.required_elements} for c in (left, right)]
        claims = _claim(left.description), _claim(right.description)
        alike = jaccard(*claims)
        if alike >= _PARALLEL and _parallel(left, right, claims):
            continue
        if elements[0] and elements[0] == elements[1]:
            alike = 1.0
        if alike > worst:
            worst, pair = alike, f"{printable(left.title, 50)} / {printable(right.title, 50)}"
    passed = worst < settings.duplicate_jaccard
    return GateFinding(passed, worst, "" if passed else f"similarity {worst:.2f}: {pair}")
