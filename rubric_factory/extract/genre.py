"""What sort of document a text is, by simple signals, each a share between 0 and 1.

- prose: share of words that stand in blocks which read as sentences (8 words or more, a sentence end, function words)
- code: share of characters in fenced blocks and in lines that look like source code
"""

import re
from dataclasses import dataclass

from rubric_factory.extract.language import is_function_word
from rubric_factory.records import Section
from rubric_factory.text import words

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE_LINE = re.compile(r"[;{}]\s*$|^\s*(?:#include|#define|import |from \w+ import|def |class |return\b|//|/\*|\*/|</?\w+>|\w+\(.*\)\s*$)")
_SIGNATURE = re.compile(
    r"\w+\s*::\s*\w+|\b\w+\([^()\n]{0,200}\)|^\s*(?:Parameters|Returns|Raises|Arguments|Member Function)\b", re.MULTILINE
)
_REFERENCE_TITLE = re.compile(
    r"class reference|file reference|api reference|struct reference|protocol$|^class\b|\w+\.\w+\.\w+|::|(?:^|\s)\w+\(\)", re.IGNORECASE
)
MIN_PROSE = 0.3
MAX_CODE = 0.6
MIN_CODE_PROSE_WORDS = 250
MIN_PROSE_WORDS = 30


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
    code = fenced + sum(len(line) for line in open_text.split("\n") if _CODE_LINE.search(line))
    total = prose = 0
    for block in open_text.split("\n\n"):
        tokens = words(block)
        total += len(tokens)
        if _is_prose(block, tokens, language):
            prose += len(tokens)
    every = max(len(words(text)), 1)
    return Signals(prose / max(total, 1), code / max(len(text), 1), 100 * len(_SIGNATURE.findall(text)) / every, prose)


def _is_prose(block: str, tokens: list[str], language: str) -> bool:
    if len(tokens) < 8 or not re.search(r"[.!?:;]", block):
        return False
    functional = sum(is_function_word(token, language) for token in tokens)
    return functional >= 0.15 * len(tokens)


def genre_of(title: str, text: str, sections: tuple[Section, ...], signals: Signals) -> str:
    """listing, source_code, api_reference, paper or manual; the first that fits, in this order."""
    if signals.code > MAX_CODE and signals.prose_words < MIN_CODE_PROSE_WORDS:
        return "source_code"
    if signals.prose < MIN_PROSE or signals.prose_words < MIN_PROSE_WORDS:
        return "listing"
    if _REFERENCE_TITLE.search(title) or signals.signatures > 4:
        return "api_reference"
    names = {re.sub(r"^[\d.\s]+", "", section.title).lower() for section in sections}
    opening = text[:4000].lower()
    if ("abstract" in names or "\nabstract" in opening) and (names & {"references", "bibliography"} or "\nreferences\n" in text.lower()):
        return "paper"
    return "manual"
