"""Lines of a page to paragraphs, headings and code: by indentation, gaps, type size and font, with hyphens at line ends mended."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rubric_factory.extract.mending import Mender
from rubric_factory.extract.result import Block
from rubric_factory.text import squeeze

_BULLET = re.compile(r"[•◦▪‣⁃∙·*–—-]\s+\S|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s+\S|\[\d{1,3}\]\s")
_NUMBERED = re.compile(r"(?:(?:chapter|section|appendix|part)\s+)?((?:\d{1,2}|[A-Z])(?:\.\d{1,2}){0,4})[.:]?\s+(?=[^\W\d_])", re.IGNORECASE)
_ENDED = re.compile(r"[.!?:;][\"'”’)\]]*$")
_NAMED = re.compile(
    r"abstract|introduction|conclusions?|references|bibliography|acknowledge?ments|summary|discussion|preface|appendix", re.IGNORECASE
)
MAX_HEADING = 110
MAX_LINES = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line. Coordinates in points from the bottom left; size 0: the parser told no geometry.

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


@dataclass(slots=True)
class _Open:
    """A block being put together: its kind (text, code, heading), its lines with their pages, the right edge of each line's column."""

    kind: str
    lines: list[tuple[int, Line]]
    edges: list[float]


def blocks_of(pages: Sequence[Sequence[Line]]) -> tuple[list[Block], int]:
    """Blocks in reading order, and how many characters cleaning removed."""
    mender = Mender([line.text for page in pages for line in page])
    body = _body_size(pages)
    pitch = _pitch(pages, body)
    groups: list[_Open] = []
    for number, page in enumerate(pages):
        edges = _right_edges(page)
        for position, line in enumerate(page):
            kind = _kind(line, page, position, body)
            if not groups or groups[-1].kind != kind or _breaks(groups[-1], number, line, pitch):
                groups.append(_Open(kind, [], []))
            groups[-1].lines.append((number, line))
            groups[-1].edges.append(edges[position])
    sizes = sorted({group.lines[0][1].size for group in groups if group.kind == "heading"}, reverse=True)
    blocks = [block for group in groups if (block := _block(group, mender, sizes)).text]
    return blocks, mender.removed


def title_of(pages: Sequence[Sequence[Line]]) -> str:
    """The largest type in the upper half of the first page that has text; '' if all of it is of one size."""
    first = next((page for page in pages if page), [])
    body = _body_size(pages)
    top = max((line.size for line in first), default=0.0)
    if not top or top <= body * 1.1:
        return ""
    return squeeze(" ".join(line.text for line in first if line.size == top))[:200]


def _body_size(pages: Sequence[Sequence[Line]]) -> float:
    weights: Counter[float] = Counter()
    for page in pages:
        for line in page:
            weights[line.size] += len(line.text)
    return max(weights, key=lambda size: (weights[size], size), default=0.0)


def _pitch(pages: Sequence[Sequence[Line]], body: float) -> float:
    """Usual distance between the base lines of body text, in points."""
    gaps: Counter[float] = Counter()
    for page in pages:
        for above, below in pairwise(page):
            if above.size == below.size == body and 0 < above.y_end - below.y < 4 * body:
                gaps[round(above.y_end - below.y, 1)] += 1
    return max(gaps, key=lambda gap: (gaps[gap], -gap), default=1.2 * body)


def _right_edges(page: Sequence[Line]) -> list[float]:
    """For each line the x that full lines of its column end at: the 80th percentile of right ends among lines that overlap it."""
    edges = []
    for line in page:
        ends = sorted(other.x1 for other in page if other.x0 < line.x1 and other.x1 > line.x0) if len(page) <= MAX_LINES else []
        edges.append(ends[int(0.8 * (len(ends) - 1))] if ends else line.x1)
    return edges


def _kind(line: Line, page: Sequence[Line], position: int, body: float) -> str:
    if line.mono:
        return "code"
    return "heading" if _is_heading(line, page, position, body) else "text"


def _is_heading(line: Line, page: Sequence[Line], position: int, body: float) -> bool:
    text = line.text
    if len(text) > MAX_HEADING or sum(ch.isalpha() for ch in text) < 3 or text.endswith((",", ";")):
        return False
    if _NAMED.fullmatch(squeeze(text)):
        return True
    numbered = _NUMBERED.match(text) is not None
    if not line.size:
        return numbered and not _ENDED.search(text) and len(text) < 70 and text[0].isdigit() and "." in text.split()[0]
    larger, bold = line.size > 1.08 * body, line.bold and line.size >= 0.95 * body
    if text.endswith(".") and not numbered:
        return False
    return (larger or bold) and text[0] not in "•·–-*"


def _breaks(group: _Open, number: int, line: Line, pitch: float) -> bool:
    """Whether a line begins a new block of its kind, rather than continuing the open one."""
    page, last = group.lines[-1]
    gap = last.y_end - line.y
    if group.kind == "code":
        return number == page and bool(line.size) and abs(gap) > 2.2 * pitch
    if group.kind == "heading":
        return (
            number != page
            or line.size != last.size
            or line.bold != last.bold
            or abs(gap) > 2.2 * line.size
            or bool(_NUMBERED.match(line.text))
        )
    if _BULLET.match(line.text):
        return True
    if number != page or (line.size and gap < -0.5 * pitch):  # the next page or column
        full = bool(line.size) and not _had_room(group.edges[-1], last, line.text)
        return bool(_ENDED.search(last.text)) or not (full or line.text[:1].islower())
    if not line.size:
        return bool(_ENDED.search(last.text)) and len(last.text) < 60
    resized = abs(line.size - last.size) > 0.15 * max(line.size, last.size) and min(len(line.text), len(last.text)) > 3
    if gap > 1.45 * pitch or resized:
        return True
    listed = bool(_BULLET.match(group.lines[0][1].text))
    indented = line.x0 > last.x0 + 0.8 * line.size
    if indented and not (listed and len(group.lines) == 1):
        return gap > 0.5 * pitch and bool(_ENDED.search(last.text))
    outdented = line.x0 < last.x0 - 0.8 * line.size
    if outdented and (listed or len(group.lines) > 1) and bool(_ENDED.search(last.text)):
        return True
    return last.x1 < group.edges[-1] - 4 * line.size and bool(re.search(r"[.!?:][\"'”’)\]]*$", last.text)) and gap > 0.5 * pitch


def _block(group: _Open, mender: Mender, sizes: list[float]) -> Block:
    """The text of a group, with the offset at which each of its pages begins.

    A line that ends though the next word had room (a table row, an address, code) keeps its line break.
    """
    lines = [
        (page, clean, edge, line) for (page, line), edge in zip(group.lines, group.edges, strict=True) if (clean := mender.line(line.text))
    ]
    code = group.kind == "code" and len(lines) > 1
    text, pages = "", []
    for position, (page, clean, _, _) in enumerate(lines):
        start = len(text)
        if position == 0:
            text = f"```\n{clean}" if code else clean
        elif code or (group.kind == "text" and _ends_early(*lines[position - 1][2:], lines[position][3])):
            text, start = f"{text}\n{clean}", len(text) + 1
        else:
            text, start = mender.join(text, clean)
        if position == 0 or page != lines[position - 1][0]:
            pages.append((page, start))
    if code:
        return Block(f"{text}\n```", pages=pages)
    return Block(text, level=_level(text, group, sizes) if group.kind == "heading" else 0, pages=pages)


def _ends_early(edge: float, line: Line, following: Line) -> bool:
    """Whether a line was broken on purpose: the next one is lower (no subscript set apart) and its first word had room."""
    return abs(line.y_end - following.y) > 0.8 * line.size and _had_room(edge, line, following.text)


def _had_room(edge: float, line: Line, following: str) -> bool:
    """Whether the first word of the following line would have fitted: three ems spare, half an em a character."""
    return bool(line.size) and line.x1 + line.size * (3.25 + 0.5 * len(following.split()[0])) < edge


def _level(text: str, group: _Open, sizes: list[float]) -> int:
    """Depth of a heading: that of its number, else its rank by type size; 1 to 6."""
    if (match := _NUMBERED.match(text)) is not None:
        return min(6, 1 + match[1].count("."))
    return min(6, 1 + sizes.index(group.lines[0][1].size)) if sizes else 1
