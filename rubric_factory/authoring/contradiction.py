"""Signs that two claims on the same evidence do not say the same: a denial, other numbers, opposite words. English, word by word.

What has none of them may contradict all the same ("X rises while Y falls" against its reverse): a wrong yes is possible, and rarer than
without.
"""

import re

from rubric_factory.text import words

_DENIALS = re.compile(
    r"\b(?:no|not|nor|never|neither|none|nothing|nobody|nowhere|without|cannot|lacks?|absen(?:t|ce)|unable|fail(?:s|ed)? to)\b|n['’ʼ]t\b"
)
# A sign behind a word, a number or a bracket is a dash: 300-400 K.
_NUMBER = re.compile(r"((?<![\w.,)])[-−]|)(\d+(?:[.,]\d+)*)")
# Two sides each; a word of one is against every word of the other: rises against falls, and against decreases.
_SIDES = (
    (
        "rise rises rising rose increase increases increasing increased raise raises raised grow grows growing grew higher larger greater "
        "more upward up widen widens widened gain gains improve improves improved enhance enhances enhanced accelerate accelerates "
        "strengthen strengthens",
        "fall falls falling fell decrease decreases decreasing decreased reduce reduces reduced shrink shrinks shrinking shrank lower "
        "lowers lowered smaller less fewer downward down narrow narrows narrowed lose loses worsen worsens worsened decline declines "
        "declined drop drops dropped slow slows slowed weaken weakens weakened diminish diminishes",
    ),
    ("above over exceeds exceeding", "below under beneath"),
    ("before precedes prior", "after follows later"),
    ("faster quicker", "slower"),
    ("maximum maximal most", "minimum minimal least"),
    ("first earliest", "last latest"),
    ("always", "sometimes"),
    ("all every", "some few"),
    ("enable enables enabled allow allows allowed permit permits", "disable disables disabled forbid forbids prevent prevents prevented"),
    ("positive positively", "negative negatively"),
    ("hotter warmer", "colder cooler"),
    ("better best", "worse worst"),
)
_OPPOSITE = tuple((frozenset(one.split()), frozenset(two.split())) for one, two in _SIDES)


def denies(text: str) -> bool:
    """Whether a text says that something is not so."""
    return _DENIALS.search(text.lower()) is not None


def numbers(text: str) -> frozenset[str]:
    """Numbers of a text, with a sign where they have one of their own."""
    return frozenset(sign.replace("−", "-") + number for sign, number in _NUMBER.findall(text))


def other_numbers(left: frozenset[str], right: frozenset[str]) -> bool:
    """Whether both have numbers, and each has one that the other has not: 5 % at 300 K is not 7 % at 300 K."""
    return bool(left and right and left - right and right - left)


def opposed(left: str, right: str) -> bool:
    """Whether one text has words of one side of a pair alone, and the other of the other side alone. Symmetric."""
    said = [set(words(text)) for text in (left, right)]
    against = [(False, True), (True, False)]
    return any(sorted((bool(one & found), bool(two & found)) for found in said) == against for one, two in _OPPOSITE)
