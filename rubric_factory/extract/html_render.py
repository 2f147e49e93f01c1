"""One walk over an HTML body: blocks of text (paragraphs, headings, list items, Markdown tables, fenced code), and where the rest went.

What is hidden, what is furniture and what is a script is passed over and counted, so that the sum can be held against all the
characters in the page.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rubric_factory.extract import html_math
from rubric_factory.extract.grid import Grid
from rubric_factory.extract.html_sieve import Counts, Sieve
from rubric_factory.extract.html_table import is_data
from rubric_factory.extract.html_tree import code_needs_care, plain_text
from rubric_factory.extract.result import Block
from rubric_factory.text import clean, squeeze

_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
        "header hr html legend li main ol p pre section summary table tbody td tfoot th thead tr ul caption",
    )
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MARKS = re.compile("[¶§\uf0c1\U0001f517]+\\s*$")
_FENCE = re.compile(r"^[ \t]*(`{3,})", re.MULTILINE)
_BREAK = "\n"


@dataclass(slots=True)
class Page:
    """What a walk found. Sizes are characters without blanks; linked[i] of sizes[i] of block i stand in links; removed: characters that
    cleaning dropped; main: the blocks of the main element as [begin, end)."""

    blocks: list[Block] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    linked: list[int] = field(default_factory=list)
    removed: int = 0
    counts: Counts = field(default_factory=Counts)
    main: tuple[int, int] | None = None


class _Walk:
    """The state between two elements."""

    def __init__(self, main: Any) -> None:
        self.page = Page()
        self._sieve = Sieve(self.page.counts, main)
        self._main = main
        self._inline: list[str] = []
        self._prefix = ""
        self._links = 0  # open links
        self._in_links = 0  # characters of the open block inside links
        self._skipped = False
        self._code: Any = None
        self._table: Any = None
        self._grid = Grid()
        self._lists: list[int | None] = []
        self._level = 1
        self._begin = -1

    def enter(self, element: Any) -> bool:
        """Open an element; False when its content is to be passed over."""
        tag = element.tag
        items = element.items()
        if tag == "script":
            self._write(html_math.script(element))
        if self._sieve.passes_over(element, items, self._begin >= 0):
            self._skipped = True
            return False
        if tag in _BLOCKS:
            self._boundary()
        if element is self._main:
            self._begin = len(self.page.blocks)
        if opening := _OPENING.get(tag):
            if not opening(self, element):
                self._skipped = True
                return False
        elif items and tag == "div" and self._code is None and "fragment" in (element.get("class") or "").split():
            self._code = element
        elif items and tag == "span" and element.get("class") == "classifier":
            self._write(" : ")  # a style sheet's colon, as in 'alpha : float'
        self._write(element.text)
        return True

    def leave(self, element: Any) -> None:
        """Close an element and go on with the text behind it."""
        tag = element.tag
        if self._skipped:
            self._skipped = False
            if tag in _BLOCKS:
                self._boundary()
        elif tag in _BLOCKS:
            self._close_block(element, tag)
        elif tag == "a" and self._links and element.get("href"):
            self._links -= 1
        if element.tail:
            self._write(element.tail)

    def _write(self, text: str | None) -> None:
        if text:
            self._inline.append(text)
            if self._links:
                self._in_links += len(text) - text.count(" ")

    def finish(self) -> None:
        """End whatever is open."""
        self._code, self._table = None, None
        self._finish(0)

    def _boundary(self) -> None:
        """Text before and after stands apart: a new block, or within a cell or code a blank or a line."""
        if self._code is not None:
            if self._inline and not self._inline[-1].endswith("\n"):
                self._inline.append("\n")
        elif self._table is not None:
            self._inline.append(" ")
        elif self._inline:
            self._finish(0)

    def _finish(self, level: int) -> None:
        """End the block; an empty one leaves nothing, save that its list mark waits for the next."""
        text, removed = clean("".join(self._inline))
        text = squeeze(text)
        self._inline.clear()
        linked, self._in_links = self._in_links, 0
        self.page.removed += removed
        if text and text[-1] in "¶§\U0001f517":
            text = _MARKS.sub("", text).rstrip()
        if text:
            self._add(text, level, linked)

    def _add(self, text: str, level: int, linked: int) -> None:
        size = len("".join(text.split()))
        if self._prefix and not level:
            text, self._prefix = self._prefix + text, ""
        self.page.blocks.append(Block(text, level))
        self.page.sizes.append(size)
        self.page.linked.append(min(linked, size))

    def _close_block(self, element: Any, tag: str) -> None:
        if element is self._code:
            self._end_code()
        elif self._code is not None:
            self._boundary()
        elif self._table is not None:
            self._close_in_table(element, tag)
        elif tag in _HEADINGS or (tag == "p" and element.get("class") == "rubric"):
            self._level = _HEADINGS.get(tag, self._level)
            self._finish(self._level if tag != "p" else min(self._level + 1, 6))
        else:
            self._boundary()
            if tag in ("ol", "ul") and self._lists:
                self._lists.pop()
        if element is self._main:
            self.page.main = (self._begin, len(self.page.blocks))

    def _close_in_table(self, element: Any, tag: str) -> None:
        if tag in ("td", "th"):
            text, removed = clean("".join(self._inline))
            self._inline.clear()
            self.page.removed += removed
            self._grid.cell(squeeze(text), element.get("colspan"), element.get("rowspan"))
        elif element is self._table:
            self._table = None
            one_line = element.get("class") == "memname"  # Doxygen lays out a signature as a table
            text = squeeze(" ".join(cell for row in self._grid.rows for cell in row)) if one_line else self._grid.markdown()
            linked, self._in_links = self._in_links, 0
            self._inline.clear()
            if text:
                self._add(text, 0, linked)
        elif tag == "caption":
            self._table, table = None, self._table
            self._finish(0)
            self._table = table
        else:
            self._inline.append(" ")

    def _end_code(self) -> None:
        text, removed = clean("".join(self._inline))
        self._inline.clear()
        self.page.removed += removed
        self._code, linked, self._in_links = None, self._in_links, 0
        code = "\n".join(line.rstrip() for line in text.strip("\n").split("\n")).rstrip()
        if code:
            longest = max((len(run) for run in _FENCE.findall(code)), default=2)
            fence = "`" * (longest + 1)
            self._add(f"{fence}\n{code}\n{fence}", 0, linked)

    # Openings: what an element does besides; False passes over its content.

    def open_pre(self, element: Any) -> bool:
        """Code, blanks kept: at once where nothing within needs a look."""
        if self._code is not None or self._table is not None:
            return True
        self._code = element
        if code_needs_care(element):
            return True
        self._inline.append(plain_text(element))
        self._end_code()
        return False

    def open_table(self, element: Any) -> bool:
        """A table of data collects cells; any other only lays out."""
        if self._table is None and self._code is None and is_data(element):
            self._table, self._grid, self._in_links = element, Grid(), 0
        return True

    def open_row(self, _: Any) -> bool:
        """A row of the open table."""
        if self._table is not None:
            self._grid.row()
            self._inline.clear()
        return True

    def open_list(self, element: Any) -> bool:
        """A list, counted when it is ordered."""
        start = element.get("start") or ""
        self._lists.append((int(start) if start.isdecimal() and len(start) < 6 else 1) if element.tag == "ol" else None)
        return True

    def open_item(self, _: Any) -> bool:
        """The next block is a list item."""
        if self._table is None and self._code is None:
            number = self._lists[-1] if self._lists else None
            self._prefix = "- " if number is None else f"{number}. "
            if number is not None:
                self._lists[-1] = number + 1
        return True

    def open_link(self, element: Any) -> bool:
        """Text in links is counted."""
        if element.get("href"):
            self._links += 1
        return True

    def open_break(self, _: Any) -> bool:
        """A line break; two of them end a paragraph, as on old pages."""
        if (
            self._code is None
            and self._table is None
            and _BREAK in self._inline[-1:] + [t for t in self._inline[-2:-1] if self._inline[-1].isspace()]
        ):
            self._finish(0)
        else:
            self._inline.append(_BREAK)
        return True

    def open_raised(self, element: Any) -> bool:
        """Short superscripts and subscripts keep a mark (x^2, a_i); footnote numbers in brackets do not."""
        if self._code is None:
            text = squeeze(plain_text(element))
            if 0 < len(text) <= 6 and (text[0].isalnum() or text[0] in "-+\u2212"):
                self._inline.append("^" if element.tag == "sup" else "_")
        return True

    def open_image(self, element: Any) -> bool:
        """A picture of a formula is its TeX."""
        self._write(html_math.picture(element))
        return True

    def open_math(self, element: Any) -> bool:
        """A formula, rendered whole."""
        self._write(html_math.mathml(element))
        return False


_OPENING: dict[str, Callable[[_Walk, Any], bool]] = {
    "pre": _Walk.open_pre,
    "table": _Walk.open_table,
    "tr": _Walk.open_row,
    "ol": _Walk.open_list,
    "ul": _Walk.open_list,
    "li": _Walk.open_item,
    "a": _Walk.open_link,
    "br": _Walk.open_break,
    "sup": _Walk.open_raised,
    "sub": _Walk.open_raised,
    "img": _Walk.open_image,
    "math": _Walk.open_math,
}


def walk(body: Any, main: Any | None) -> Page:
    """Blocks of a body in order, without recursion: pages nest deeper than Python's stack."""
    from lxml import etree

    state = _Walk(main)
    events = etree.iterwalk(body, events=("start", "end"))
    for event, element in events:
        if event == "end":
            state.leave(element)
        elif not state.enter(element):
            events.skip_subtree()
    state.finish()
    return state.page
