"""Text to terms: light stems, numbers and units in one spelling each, sentences."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rubric_factory import text
from rubric_factory.judging.lexical.words import FUNCTION_WORDS, NEGATORS, NUMBER_WORDS, UNITS

_TOKEN = re.compile(r"(?<![\w.])[-\u2212](?=\d)|\d+(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d+)?|[^\W\d]\w*|[%°]")
_CONTRACTED = re.compile(r"n['\u2019]t\b", re.IGNORECASE)
# A sentence ends at a stop that blank or nothing follows, at a semicolon, or at an empty line; a wrapped line goes on.
_SENTENCE = re.compile(
    r"(?<=[.!?;])(?<!etc\.)(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!cf\.)(?<!fig\.)(?<!approx\.)[\"')\]]*\s+|\n\s*\n", re.IGNORECASE
)
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Term:
    """One token: stem is what is compared; function: carries no content by itself; negator and number as named."""

    stem: str
    function: bool
    negator: bool
    number: bool


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Light stem of a lower-case word: plurals, -ed, -ing, -ly, a final e. Words under five letters lose only a plural s."""
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for suffix in ("ing", "ed", "ly"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            if suffix == "ed" and word.endswith("i"):
                word = word[:-1] + "y"
            elif len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _number(token: str) -> str:
    plain = token.replace(",", "")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0" if "." not in plain else plain


def terms(source: str) -> tuple[Term, ...]:
    """Terms of a text, in order. '2,000' is '2000', '25 mm' is '25', 'millimetre', 'two' is '2', "isn't" is 'is', 'not'."""
    found: list[Term] = []
    sign = ""
    for match in _TOKEN.finditer(_CONTRACTED.sub(" not", source)):
        token = match[0].lower()
        if token in "-\u2212":
            sign = "-"
            continue
        if token[0].isdigit():
            found.append(Term(sign + _number(token), False, False, True))
        elif token in NUMBER_WORDS:
            found.append(Term(NUMBER_WORDS[token], False, False, True))
        elif found and found[-1].number and token in UNITS:
            found.append(Term(f"[{UNITS[token]}]", False, False, False))
        else:
            function = token in FUNCTION_WORDS
            found.append(Term(token if function else stem(token), function, token in NEGATORS, False))
        sign = ""
    return tuple(found)


def sentences(source: str) -> list[tuple[Term, ...]]:
    """Terms per sentence, list marks dropped; sentences without a term are left out."""
    plain = _LIST_MARK.sub("", text.clean(source)[0])
    return [found for part in _SENTENCE.split(plain) if (found := terms(part))]


def content(found: Sequence[Term]) -> list[str]:
    """Stems that carry content."""
    return [term.stem for term in found if not term.function]


def quantities(found: Sequence[Term]) -> list[tuple[str, str]]:
    """(number, unit) of every number, in order; unit is '' where none follows."""
    units = [term.stem if term.stem.startswith("[") else "" for term in found]
    return [(term.stem, unit) for term, unit in zip(found, [*units[1:], ""], strict=False) if term.number]
