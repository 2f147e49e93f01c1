"""What a PDF parser reads, before layout.py makes paragraphs of it: lines with their geometry, the outline, the facts."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

LINE_NUMBER = re.compile(r"\d{1,5}\s+(?=\S)")  # of a listing: in another font than the code


class Line(NamedTuple):
    """One line. Coordinates in points from the bottom left; size 0: the parser told no geometry. upright: it runs rightwards.

    y and y_end: base lines of the first and last character; they differ where the parser has joined a broken word's two lines.
    """

    text: str
    x0: float = 0.0
    x1: float = 0.0
    y: float = 0.0
    y_end: float = 0.0
    size: float = 0.0
    mono: bool = False
    bold: bool = False
    upright: bool = True


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline: page index, level from 1, title as it stands there."""

    page: int
    level: int
    title: str


@dataclass(slots=True)
class Read:
    """What a parser read: lines per page, the information dictionary, the outline, the parser's name."""

    pages: list[list[Line]]
    facts: dict[str, str]
    extractor: str
    outline: list[Bookmark] = field(default_factory=list)
