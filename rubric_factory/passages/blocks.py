"""Blocks of a text: paragraphs, markdown tables, fenced code; and how an over-long block is cut at sentences, lines, words.

Spans are half-open [start, end) in characters of the whole text, trimmed of white space, never empty.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rubric_factory.passages.characters import Sizes

_FENCE = re.compile(r"[ \t]{0,3}(```+|~~~+)")
# A sentence ends at . ! ? (and closing quotes) before white space and something that can start a sentence; CJK stops need no space.
_SENTENCE_END = re.compile(r"[.!?][\"')\]”’]*\s+(?=[\"'(\[“‘]?[^\W_a-zß-öø-ÿ])|[。！？]\s*")
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|e\.g|i\.e|cf|vs|etc|al|figs?|eqs?|sec|no|vol|pp?|dr|mr|mrs|prof|resp|approx|ref)\.$", re.IGNORECASE)

Span = tuple[int, int]
Cutter = Callable[[str, int, int], Iterable[int]]


class Kind(StrEnum):
    """What a block is."""

    PROSE = "prose"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """One block: text[start:end]."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Budget:
    """What a passage may hold of one text: so many words, and estimated tokens."""

    sizes: Sizes
    words: int
    tokens: int

    def fits(self, start: int, end: int) -> bool:
        """Whether text[start:end] is within both."""
        return self.sizes.words(start, end) <= self.words and self.sizes.tokens(start, end) <= self.tokens


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without white space at its ends; start == end where nothing is left."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return (start + left, start + len(piece.rstrip())) if left < len(piece) else (start, start)


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end:
        newline = text.find("\n", start, end)
        stop = end if newline < 0 else newline + 1
        yield start, stop
        start = stop


def blocks(text: str, start: int, end: int) -> Iterator[Block]:
    """Blocks of text[start:end] in order: a paragraph ends at a blank line, a table at the first other line, code at its fence."""
    opened: int | None = None
    kind, fence = Kind.PROSE, ""
    for line_start, line_end in _lines(text, start, end):
        line = text[line_start:line_end].strip()
        if fence:
            if line.startswith(fence) and not line.strip(fence[0]):
                yield from _block(text, opened or start, line_end, Kind.CODE)
                opened, fence = None, ""
            continue
        mark = _FENCE.match(text, line_start, line_end) if line.startswith(("```", "~~~")) else None
        here = Kind.CODE if mark else Kind.TABLE if line.startswith("|") else Kind.PROSE
        if opened is not None and (not line or here is not kind):
            yield from _block(text, opened, line_start, kind)
            opened = None
        if opened is None and line:
            opened, kind = line_start, here
            fence = mark.group(1) if mark else ""
    if opened is not None:
        yield from _block(text, opened, end, kind)


def _block(text: str, start: int, end: int, kind: Kind) -> Iterator[Block]:
    start, end = trimmed(text, start, end)
    if start < end:
        yield Block(start, end, kind)


def sentence_cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Offsets at which a new sentence of text[start:end] begins; common abbreviations and initials do not end one."""
    for match in _SENTENCE_END.finditer(text, start, end):
        if not _ABBREVIATION.search(text, max(start, match.start() - 8), match.start() + 1):
            yield match.end()


def _line_cuts(text: str, start: int, end: int) -> Iterator[int]:
    return (stop for _, stop in _lines(text, start, end))


def spans(text: str, start: int, end: int, cuts: Iterable[int]) -> Iterator[Span]:
    """text[start:end] between the cuts, trimmed; empty ones left out."""
    for cut in [*cuts, end]:
        span = trimmed(text, start, cut)
        if span[0] < span[1]:
            yield span
        start = max(start, cut)


def pieces(text: str, block: Block, budget: Budget) -> list[Block]:
    """The block cut at sentences (prose) or lines (tables, code); what is still over the budget at lines, then between words."""

    def at_words(_: str, start: int, end: int) -> Iterable[int]:
        return budget.sizes.cuts(start, end, budget.words, budget.tokens)

    def cut(start: int, end: int, cutters: Sequence[Cutter], force: bool = False) -> Iterator[Span]:
        if not cutters or (not force and budget.fits(start, end)):
            yield start, end
            return
        for piece in spans(text, start, end, cutters[0](text, start, end)):
            yield from cut(*piece, cutters[1:])

    cutters = (sentence_cuts, _line_cuts, at_words) if block.kind is Kind.PROSE else (_line_cuts, at_words)
    return [Block(start, end, block.kind) for start, end in cut(block.start, block.end, cutters, force=True)]
