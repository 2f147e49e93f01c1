"""reStructuredText to blocks: headings by their adornment, directives, literal blocks, tables; without docutils, which would follow
include and raw directives of untrusted text and takes 100 times as long.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from textwrap import dedent

from rubric_factory.extract.grid import Grid
from rubric_factory.extract.result import Block
from rubric_factory.text import squeeze

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")
_DIRECTIVE = re.compile(r"\.\.\s+(?:\|[^|]+\|\s+)?([\w:+.-]+?)::(?:\s+(.*))?$")
_FOOTNOTE = re.compile(r"\.\.\s+\[([^\]]{1,80})\]\s*(.*)$")
_TARGET = re.compile(r"\.\.\s+_[^:]*:|__\s|\.\.\s+\|")
_OPTION = re.compile(r"\s*:[\w-]+:(?:\s|$)")
_ROLE = re.compile(r"(?::[\w+.-]+){1,3}:`([^`]+)`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^>`]+>`__?")
_REFERENCE = re.compile(r"(?<!`)`([^`]+)`(?:__?|(?!`))")
_SUBSTITUTION = re.compile(r"(?<![\w|])\|([A-Za-z][\w.]{0,40})\|(?![\w|])")
_LITERAL = re.compile(r"``(.+?)``")
_FOOTMARK = re.compile(r"\s?\[(#?[\w*-]{1,20})\]_")
_SIMPLE_BORDER = re.compile(r"=+(?:\s+=+)+\s*$")
_GRID_BORDER = re.compile(r"\+(?:[-=]+\+)+\s*$")
_SIGNS = (
    re.compile(r"^\.\. [\w:+-]+::", re.MULTILINE),
    re.compile(r":[\w:]+:`[^`]+`"),
    re.compile(r"``\S"),
    re.compile(r"::\n\n\s"),
    re.compile(r"^\.\. _[^:\n]+:", re.MULTILINE),
)
_CODE = frozenset(
    re.findall(r"\S+", "code code-block sourcecode parsed-literal doctest testcode testoutput ipython prompt literal command-output")
)
_DROPPED = frozenset(
    re.findall(
        r"\S+",
        "toctree contents index image include raw meta currentmodule module default-role highlight graphviz literalinclude kernel-doc "
        "automodule autoclass autofunction automethod automodapi automod-diagram autosummary kernel-figure plot tabularcolumns sectnum "
        "bibliography testsetup testcleanup unicode replace date role program cssclass rst-class flat-table-options",
    )
)
_MAX_NESTING = 12


def is_rest(text: str) -> bool:
    """Whether a text reads as reStructuredText: a title over- and underlined, or two signs of it of which one is markup."""
    opening = text[:40_000]
    signs = sum(bool(sign.search(opening)) for sign in _SIGNS)
    adorned = re.search(r"^\S[^\n]{2,}\n([=*#~^-])\1{3,}\s*$", opening, re.MULTILINE) is not None
    fenced = re.search(r"^(?:```|~~~|#{1,6} )", opening, re.MULTILINE) is not None
    boxed = re.search(r"^([=*#~^-])\1{3,}\n[^\n]{3,}\n\1{4,}\s*$", opening, re.MULTILINE) is not None
    return (boxed or (signs >= 1 and signs + adorned >= 2)) and not (fenced and signs < 3)


@dataclass(slots=True)
class Rest:
    """Blocks of a text so far; hidden: characters of comments, which no reader sees."""

    blocks: list[Block] = field(default_factory=list)
    hidden: int = 0
    _styles: list[str] = field(default_factory=list)

    def read(self, lines: Sequence[str], nesting: int = 0) -> None:
        """Take in lines that share an indentation of nothing."""
        position = 0
        ends = [i + 1 for i, line in enumerate(lines) if _border(line) == "=" and (i + 1 == len(lines) or not lines[i + 1].strip())]
        while position < len(lines):
            line = lines[position]
            if not line.strip():
                position += 1
            elif height := self._heading(lines, position, nesting):
                position += height
            elif (line.startswith("..") and (len(line) == 2 or line[2] == " ")) or line.startswith("__ "):
                stop = _indented(lines, position + 1)
                self._explicit(line, lines[position + 1 : stop], nesting)
                position = stop
            elif border := _border(line):
                stop = _table_end(lines, position, border, ends)
                self._table(lines[position:stop], border)
                position = stop
            else:
                position = self._paragraph(lines, position, nesting)

    def _add(self, text: str, level: int = 0) -> None:
        if text.strip():
            self.blocks.append(Block(text, level))

    def _heading(self, lines: Sequence[str], at: int, nesting: int) -> int:
        """Lines that a heading (or a transition) takes; 0 when there is none."""
        over = _ADORNMENT.match(lines[at])
        if (
            over
            and at + 2 < len(lines)
            and lines[at + 1].strip()
            and lines[at + 2].rstrip() == lines[at].rstrip()
            and not _border(lines[at])
        ):
            self._title(lines[at + 1], over[1] * 2, nesting)
            return 3
        if over and (at + 1 == len(lines) or not lines[at + 1].strip()):
            return 1
        if over or lines[at][0].isspace() or at + 1 == len(lines) or (at and lines[at - 1].strip()):
            return 0
        under = _ADORNMENT.match(lines[at + 1])
        if not under or len(lines[at + 1].rstrip()) < 0.7 * len(lines[at].rstrip()):
            return 0
        self._title(lines[at], under[1], nesting)
        return 2

    def _title(self, line: str, style: str, nesting: int) -> None:
        if style not in self._styles:
            self._styles.append(style)
        self._add(squeeze(inline(line)), 0 if nesting else min(self._styles.index(style) + 1, 6))

    def _explicit(self, line: str, body: Sequence[str], nesting: int) -> None:
        """Directive, footnote, target or comment."""
        content = dedent("\n".join(body)).split("\n")
        if match := _DIRECTIVE.match(line):
            self._directive(match[1].lower(), match[2] or "", content, nesting)
        elif match := _FOOTNOTE.match(line):
            self._add(squeeze(inline(f"[{match[1]}] {match[2]} " + " ".join(content))))
        elif not _TARGET.match(line):
            self.hidden += len(squeeze(" ".join([line[2:], *content])))

    def _directive(self, name: str, argument: str, content: list[str], nesting: int) -> None:
        start = 0
        while start < len(content) and (_OPTION.match(content[start]) or (start and content[start].startswith(" "))):
            start += 1
        content = content[start:]
        name = name.rsplit(":", 1)[-1]
        if name in _DROPPED or nesting >= _MAX_NESTING:
            return
        if name in _CODE:
            self._code(content if name != "parsed-literal" else [inline(each) for each in content])
        elif name == "math":
            tex = squeeze(" ".join([argument, *content]))
            self._add(f"$${tex}$$" if tex else "")
        elif name == "csv-table":
            self._code(content)
        else:
            self._add(squeeze(inline(argument)) if name not in ("figure", "only", "container", "class", "image", "tab-set") else "")
            self.read(content, nesting + 1)

    def _code(self, lines: Sequence[str]) -> None:
        text = dedent("\n".join(lines)).strip("\n").rstrip()
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"^[ \t]*(`{3,})", text, re.MULTILINE)), default=2))
        self._add(f"{fence}\n{text}\n{fence}" if text.strip() else "")

    def _paragraph(self, lines: Sequence[str], at: int, nesting: int) -> int:
        """A paragraph, and the literal block that '::' announces; the position behind them."""
        stop = at
        while stop < len(lines) and lines[stop].strip() and not (stop > at and lines[stop].startswith(".. ")):
            stop += 1
        text = dedent("\n".join(lines[at:stop])) if lines[at][0].isspace() else "\n".join(lines[at:stop])
        if not text.rstrip().endswith("::"):
            self._add(inline(text))
            return stop
        text = text.rstrip()[:-2].rstrip()
        self._add(inline(text + ":") if text else "")
        depth = len(lines[stop - 1]) - len(lines[stop - 1].lstrip())
        end = _indented(lines, stop, depth)
        self._code(lines[stop:end])
        return max(end, stop)

    def _table(self, lines: Sequence[str], border: str) -> None:
        rows = _simple_rows(lines) if border == "=" else _grid_rows(lines)
        if rows is None:
            self._code(lines)
            return
        grid = Grid()
        for row in rows:
            grid.row()
            for cell in row:
                grid.cell(squeeze(inline(cell)), None, None)
        self._add(grid.markdown())


def inline(text: str) -> str:
    """Text without roles, reference marks and literal marks: what a reader of the built page sees."""
    if "`" in text:
        text = _ROLE.sub(_role, text)
        text = _LITERAL.sub(r"\1", _LINK.sub(r"\1", text))
        text = _REFERENCE.sub(_role, text)
    if "|" in text:
        text = _SUBSTITUTION.sub(r"\1", text)
    return _FOOTMARK.sub(r" [\1]", text) if "]_" in text else text


def _role(match: re.Match[str]) -> str:
    """The title of `title <target>`, the last part of `~package.module.name`, else the whole."""
    content = match[1]
    if content.startswith("~"):
        return content[1:].rsplit(".", 1)[-1]
    return content.split("<")[0].strip() or content.strip("<>")


def _indented(lines: Sequence[str], at: int, depth: int = 0) -> int:
    """End of the block of lines that are indented by more than depth, or blank, from at on."""
    stop = at
    while stop < len(lines) and (not lines[stop].strip() or len(lines[stop]) - len(lines[stop].lstrip()) > depth):
        stop += 1
    return stop


def _border(line: str) -> str:
    if _SIMPLE_BORDER.match(line):
        return "="
    return "+" if _GRID_BORDER.match(line) else ""


def _table_end(lines: Sequence[str], at: int, border: str, ends: Sequence[int]) -> int:
    """A simple table ends at the first border below that a blank line follows, a grid table at the first line outside."""
    stop = at + 1
    if border == "+":
        while stop < len(lines) and lines[stop][:1] in ("+", "|"):
            stop += 1
        return stop
    found = bisect_right(ends, stop)
    return ends[found] if found < len(ends) else stop


def _simple_rows(lines: Sequence[str]) -> list[list[str]] | None:
    """Cells of a simple table, cut where the border's columns begin; a row with an empty first cell goes on with the last one."""
    starts = [match.start() for match in re.finditer(r"=+", lines[0])]
    rows: list[list[str]] = []
    for line in lines[1:]:
        if _border(line) or not line.strip() or re.match(r"[- ]+$", line):
            continue
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if rows and not cells[0]:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return rows or None


def _grid_rows(lines: Sequence[str]) -> list[list[str]] | None:
    """Cells of a grid table; None where cells span."""
    marks = [position for position, char in enumerate(lines[0].rstrip()) if char == "+"]
    rows: list[list[str]] = []
    current: list[str] | None = None
    for line in lines[1:]:
        if line.startswith("+"):
            if [position for position, char in enumerate(line.rstrip()) if char == "+"] != marks:
                return None
            if current:
                rows.append(current)
            current = None
            continue
        if any(len(line) <= mark or line[mark] != "|" for mark in marks):
            return None
        cells = [line[a + 1 : b].strip() for a, b in pairwise(marks)]
        current = cells if current is None else [f"{old} {new}".strip() for old, new in zip(current, cells, strict=True)]
    return rows or None
