"""A tree of HTML elements as blocks of text: paragraphs, headings, list items, tables as Markdown, code in fences."""

import re
from collections.abc import Iterator
from typing import Any

from rubric_factory.extract.result import Block
from rubric_factory.text import clean, squeeze, words

_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 "
        "header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul caption",
    )
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MARKS = re.compile("[¶\u00b6\uf0c1\U0001f517]+\\s*$")
_MAX_CELLS = 20_000


class _Rendering:
    """Blocks so far, and the inline text of the one being put together."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.removed = 0
        self._inline: list[str] = []
        self._prefix = ""

    def write(self, text: str | None) -> None:
        """Add inline text."""
        if text:
            self._inline.append(text)

    def close(self, level: int = 0) -> None:
        """End the block; an empty one leaves nothing, save that its list mark waits for the next."""
        text, removed = clean(squeeze("".join(self._inline)))
        self._inline.clear()
        self.removed += removed
        text = squeeze(_MARKS.sub("", text))
        if text:
            self.blocks.append(Block(text if level else self._prefix + text, level))
            self._prefix = ""

    def item(self, mark: str) -> None:
        """The next block is a list item."""
        self._prefix = mark

    def add(self, text: str) -> None:
        """A finished block: code or table."""
        cleaned, removed = clean(text)
        self.removed += removed
        if cleaned.strip():
            self.blocks.append(Block(cleaned))


def render(element: Any) -> tuple[list[Block], int, float]:
    """Blocks below an element, how many characters cleaning removed, and the share of words that are link text."""
    out = _Rendering()
    _walk(element, out)
    out.close()
    linked = sum(len(words(" ".join(link.itertext()))) for link in element.iter("a") if link.get("href"))
    total = sum(len(words(block.text)) for block in out.blocks)
    return out.blocks, out.removed, linked / max(total, 1)


def visible(element: Any) -> str:
    """All text below an element, blanks squeezed; blocks are kept apart."""
    return squeeze(" ".join(element.itertext()))


def _walk(root: Any, out: _Rendering) -> None:
    """Depth first without recursion: pages nest deeper than Python's stack."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        element, leaving = stack.pop()
        if leaving:
            _leave(element, out)
            if element is not root:
                out.write(element.tail)
            continue
        if _enter(element, out):
            stack.append((element, True))
            out.write(element.text)
            stack.extend((child, False) for child in reversed(element))
        elif element is not root:
            out.write(element.tail)


def _enter(element: Any, out: _Rendering) -> bool:
    """Open an element; False when it has been rendered whole."""
    tag = element.tag
    if not isinstance(tag, str):
        return False
    if tag in _BLOCKS:
        out.close()
    if tag == "pre" or (tag == "div" and "fragment" in (element.get("class") or "").split()):
        lines = ["".join(line.itertext()) for line in element.iterfind("div")] or ["".join(element.itertext())]
        code = "\n".join(lines).strip("\n").rstrip()
        out.add(f"```\n{code}\n```" if code.strip() else "")
        return False
    if tag == "table" and _is_data(element):
        out.add(_table(element))
        return False
    if tag == "li":
        out.item("- ")
    elif tag == "br":
        out.write(" ")
    elif tag == "sup" and len(squeeze("".join(element.itertext()))) <= 6:
        out.write("^")
    elif tag == "img" and "math" in (element.get("class") or ""):
        out.write(element.get("alt"))
    return True


def _leave(element: Any, out: _Rendering) -> None:
    if element.tag in _BLOCKS:
        out.close(_HEADINGS.get(element.tag, 0))


def _is_data(table: Any) -> bool:
    """A table of data: at least two rows and columns, cells short, no table or code within. Others only lay out the page."""
    rows = table.findall(".//tr")
    if len(rows) < 2 or table.find(".//table") is not None or table.find(".//pre") is not None:
        return False
    cells = [cell for row in rows for cell in row if cell.tag in ("td", "th")]
    if len(cells) > _MAX_CELLS or max(sum(1 for c in row if c.tag in ("td", "th")) for row in rows) < 2:
        return False
    return sum(sum(map(len, cell.itertext())) for cell in cells) / max(len(cells), 1) < 200


def _table(table: Any) -> str:
    rows = [
        [squeeze(" ".join(cell.itertext())).replace("|", "\\|") for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr")
    ]
    rows = [row for row in rows if any(row)]
    if not rows:
        return ""
    width = max(map(len, rows))
    lines = list(_rows(rows, width))
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _rows(rows: list[list[str]], width: int) -> Iterator[str]:
    for row in rows:
        yield "| " + " | ".join(row + [""] * (width - len(row))) + " |"
