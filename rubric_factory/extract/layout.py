"""Lines of a page to paragraphs, headings and code: by indentation, gaps, type size and font, with hyphens at line ends mended."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rubric_factory.extract import figures, headings
from rubric_factory.extract.line import LINE_NUMBER, Bookmark, Line
from rubric_factory.extract.mending import Mender
from rubric_factory.extract.result import Block
from rubric_factory.text import squeeze

_BULLET = re.compile(r"[•◦▪‣⁃∙·*–—-]\s+\S|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s+\S|\[\d{1,3}\]\s")
_ENDED = re.compile(r"[.!?:;][\"'”’)\]]*$")
MAX_LINES = 400  # of a page whose columns are looked at, and of a block
MAX_INDENT = 60  # blanks
MAX_TITLE = 250  # characters: what is longer is a paragraph in large type


@dataclass(slots=True)
class _Open:
    """A block being put together: its kind (text, code, heading), its lines with their pages, the right edge of each line's column.

    level: of a heading, as the outline says; 0 where it is silent.
    """

    kind: str
    level: int
    lines: list[tuple[int, Line]]
    edges: list[float]


def blocks_of(pages: Sequence[Sequence[Line]], outline: Sequence[Bookmark] = ()) -> tuple[list[Block], int]:
    """Blocks in reading order, and how many characters cleaning removed."""
    mender = Mender([line.text for page in pages for line in page])
    groups, dropped = _without_labels(_groups(pages, outline))
    used = sorted({group.lines[0][1].size for group in groups if group.kind == "heading"}, reverse=True)
    sizes = {size: rank for rank, size in enumerate(used)}
    blocks = [block for group in groups if (block := _block(group, mender, sizes)).text]
    return blocks, mender.removed + dropped


def _groups(pages: Sequence[Sequence[Line]], outline: Sequence[Bookmark]) -> list[_Open]:
    """Lines of one kind that belong together."""
    body = _body_size(pages)
    pitch = _pitch(pages, body)
    marked = headings.outlined(pages, outline)
    groups: list[_Open] = []
    for number, page in enumerate(pages):
        edges = _right_edges(page)
        for position, line in enumerate(page):
            level = marked.get((number, position), 0)
            last = groups[-1] if groups else None
            if level:
                kind = "heading"
            elif line.mono or (last and last.kind == "code" and _is_empty_listed(page, position)):
                kind = "code"
            else:
                kind = "heading" if headings.is_heading(line, body) else "text"
            if last is None or last.kind != kind or last.level != level or _breaks(last, number, line, pitch):
                last = _Open(kind, level, [], [])
                groups.append(last)
            last.lines.append((number, line))
            last.edges.append(edges[position])
    return groups


def _is_empty_listed(page: Sequence[Line], position: int) -> bool:
    """Whether a line is the bare number of an empty line in a listing that goes on."""
    return page[position].text.isdecimal() and position + 1 < len(page) and page[position + 1].mono


def _without_labels(groups: list[_Open]) -> tuple[list[_Open], int]:
    """Groups without those that figures left behind, and how many characters went with them."""
    labels = figures.label_runs([[line.text for _, line in group.lines] if group.kind == "text" else None for group in groups])
    dropped = sum(len(line.text) for index in labels for _, line in groups[index].lines)
    return [group for index, group in enumerate(groups) if index not in labels], dropped


def title_of(pages: Sequence[Sequence[Line]]) -> str:
    """The largest type of the first page that has text, numbered headings aside; '' if all of it is of one size."""
    first = [line for line in next((page for page in pages if page), []) if not headings.NUMBERED.match(line.text)]
    body = _body_size(pages)
    top = max((line.size for line in first if any(map(str.isalpha, line.text))), default=0.0)
    if not top or top <= body * 1.1:
        return ""
    return squeeze(" ".join(line.text for line in first if line.size == top))[:200]


def _body_size(pages: Sequence[Sequence[Line]]) -> float:
    """Type size of most of the text, code aside, in points."""
    weights: Counter[float] = Counter()
    for page in pages:
        for line in page:
            weights[line.size] += len(line.text) if not line.mono else 1
    usual = max(weights, key=lambda size: (weights[size], size), default=0.0)
    larger = {size: count for size, count in weights.items() if size > 1.08 * usual}
    if sum(larger.values()) > 0.3 * sum(weights.values()):  # that much is no heading: small print or an index outweighs the text
        return max(larger, key=lambda size: (larger[size], size))
    return usual


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
    if len(page) > MAX_LINES:
        return [line.x1 for line in page]
    edges = []
    known: dict[tuple[int, int], float] = {}  # lines that begin and end alike overlap the same ones
    for line in page:
        x0, x1 = line.x0, line.x1
        place = int(x0) // 12, int(x1) // 12
        if place not in known:
            ends = sorted([other.x1 for other in page if other.x0 < x1 and other.x1 > x0])
            known[place] = ends[int(0.8 * (len(ends) - 1))] if ends else x1
        edges.append(known[place])
    return edges


def _breaks(group: _Open, number: int, line: Line, pitch: float) -> bool:
    """Whether a line begins a new block of its kind, rather than continuing the open one."""
    page, last = group.lines[-1]
    gap = last.y_end - line.y
    if len(group.lines) >= MAX_LINES:
        return True
    if group.kind == "code":
        return number == page and bool(line.size) and abs(gap) > 2.2 * pitch
    if group.kind == "heading":
        return (
            number != page
            or line.size != last.size
            or line.bold != last.bold
            or abs(gap) > 2.2 * line.size
            or bool(headings.NUMBERED.match(line.text))
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
    return last.x1 < group.edges[-1] - 4 * line.size and gap > 0.5 * pitch and bool(_ENDED.search(last.text))


def _block(group: _Open, mender: Mender, sizes: Mapping[float, int]) -> Block:
    """The text of a group, with the offset at which each of its pages begins.

    A line that ends though the next word had room (a table row, an address, code) keeps its line break.
    """
    if group.kind == "code" and len(group.lines) > 1:
        return _code(group, mender)
    text, pages = "", []
    before: tuple[int, float, Line] | None = None
    for (page, line), edge in zip(group.lines, group.edges, strict=True):
        clean = mender.line(line.text)
        if not clean:
            continue
        start = len(text)
        if before is None:
            text = clean
        elif group.kind == "text" and _ends_early(*before[1:], line):
            text, start = f"{text}\n{clean}", len(text) + 1
        else:
            text, start = mender.join(text, clean)
        if before is None or page != before[0]:
            pages.append((page, start))
        before = page, edge, line
    titled = group.kind == "heading" and len(text) <= MAX_TITLE
    level = headings.level_of(text, group.lines[0][1], group.level, sizes) if titled else 0
    return Block(text, level=level, pages=pages)


def _code(group: _Open, mender: Mender) -> Block:
    """Fenced code, each line as far in as it is printed."""
    left: dict[int, float] = {}
    for page, line in group.lines:
        left[page] = min(left.get(page, line.x0), line.x0)
    numbered = 2 * sum(LINE_NUMBER.match(line.text) is not None for _, line in group.lines) > len(group.lines)
    advance = min(
        (width for _, line in group.lines if len(line.text) > 3 and (width := (line.x1 - line.x0) / len(line.text)) > 1), default=0
    )
    text = "```"
    pages: list[tuple[int, int]] = []
    for page, line in group.lines:
        clean = mender.line(line.text)
        if not clean:
            continue
        if not pages or pages[-1][0] != page:
            pages.append((page, len(text) + 1 if pages else 0))
        blanks = min(MAX_INDENT, round((line.x0 - left[page]) / advance)) if advance and not numbered else 0
        text += f"\n{' ' * blanks}{clean}"
    return Block(f"{text}\n```" if pages else "", pages=pages)


def _ends_early(edge: float, line: Line, following: Line) -> bool:
    """Whether a line was broken on purpose: the next one is lower (no subscript set apart) and its first word had room."""
    return abs(line.y_end - following.y) > 0.8 * line.size and _had_room(edge, line, following.text)


def _had_room(edge: float, line: Line, following: str) -> bool:
    """Whether the first word of the following line would have fitted: three ems spare, half an em a character."""
    return bool(line.size) and line.x1 + line.size * (3.25 + 0.5 * len(following.split()[0])) < edge
