"""What sort of document a text is, by simple signals, each a share between 0 and 1.

- prose: share of words that stand in blocks which read as sentences (8 words or more, 5 in a table's cell; a sentence end, and
  function words where the language's are known)
- code: share of characters in fenced blocks and in lines that look like source code
"""

import re
from dataclasses import dataclass

from rubric_factory.extract.language import function_words
from rubric_factory.records import Section
from rubric_factory.text import words

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE_LINE = re.compile(r"[;{}]\s*$|^\s*(?:#include|#define|import |from \w+ import|def |class |return\b|//|/\*|\*/|</?\w+>|\w+\(.*\)\s*$)")
_SIGNATURE = re.compile(
    r"\b\w+\s*::\s*\w+|\b\w+\([^()\n]{0,200}\)|^\s*(?:Parameters|Returns|Raises|Arguments|Member Function)\b", re.MULTILINE
)
_REFERENCE_TITLE = re.compile(
    r"class reference|file reference|api reference|struct reference|protocol$|^class\b|\w+\.\w+\.\w+|::|(?:^|\s)\w+\(\)", re.IGNORECASE
)
_CHANGES_TITLE = re.compile(r"\b(?:change ?log|changes|release notes|what['’]s new|news|errata)\b", re.IGNORECASE)
MIN_PROSE = 0.3
MAX_CODE = 0.6
MIN_CODE_PROSE_WORDS = 250
MIN_PROSE_WORDS = 30
MIN_REFERENCE_PROSE = 0.1
MIN_REFERENCE_PROSE_WORDS = 60
MIN_FUNCTIONAL = 0.15
_MIN_SENTENCE = 8
_MIN_CELL = 5
_STOP = re.compile(r"[.!?:;\u0964\u3002\uff01\uff0c\uff1a\uff1b\uff1f]")


@dataclass(frozen=True, slots=True)
class Signals:
    """Shares of a text, 0 to 1; signatures per 100 words; prose_words a count."""

    prose: float
    code: float
    signatures: float
    prose_words: int


def signals_of(text: str, language: str) -> Signals:
    """Measure a text whose blocks are separated by empty lines."""
    fenced = sum(len(match[0]) for match in _FENCE.finditer(text))
    open_text = _FENCE.sub("", text)
    code = fenced + sum(len(line) for line in open_text.split("\n") if line and not line.startswith("|") and _CODE_LINE.search(line))
    common = function_words(language)
    total = prose = 0
    for block in open_text.split("\n\n"):
        for part in block.replace("\n", " ").split(" | ") if block.startswith("|") else (block,):
            tokens = words(part)
            total += len(tokens)
            if len(tokens) >= (_MIN_CELL if part is not block else _MIN_SENTENCE) and _is_prose(part, tokens, common):
                prose += len(tokens)
    every = max(total, 1)
    return Signals(prose / every, code / max(len(text), 1), 100 * len(_SIGNATURE.findall(open_text)) / every, prose)


def _is_prose(block: str, tokens: list[str], common: frozenset[str] | None) -> bool:
    if not _STOP.search(block):
        return False
    return common is None or sum(map(common.__contains__, tokens)) >= MIN_FUNCTIONAL * len(tokens)


def genre_of(title: str, text: str, sections: tuple[Section, ...], signals: Signals) -> str:
    """source_code, listing, api_reference, changelog, paper or manual; the first that fits, in this order. A reference needs less prose."""
    if signals.code > MAX_CODE and signals.prose_words < MIN_CODE_PROSE_WORDS:
        return "source_code"
    reference = bool(_REFERENCE_TITLE.search(title)) or signals.signatures > 4
    enough = (MIN_REFERENCE_PROSE, MIN_REFERENCE_PROSE_WORDS) if reference else (MIN_PROSE, MIN_PROSE_WORDS)
    if signals.prose < enough[0] or signals.prose_words < enough[1]:
        return "listing"
    if reference:
        return "api_reference"
    if _CHANGES_TITLE.search(title):
        return "changelog"
    names = {re.sub(r"^[\d.\s]+", "", section.title).lower() for section in sections}
    opening = text[:4000].lower()
    if ("abstract" in names or "\nabstract" in opening) and (names & {"references", "bibliography"} or "\nreferences\n" in text.lower()):
        return "paper"
    return "manual"
