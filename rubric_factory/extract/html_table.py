"""Tables of HTML: which hold data, and which only lay out a page."""

from typing import Any

from rubric_factory.extract.html_tree import plain_text
from rubric_factory.text import squeeze

_MAX_GRID = 2_000_000
MAX_CELL = 200


def is_data(table: Any) -> bool:
    """A table of data: at least two rows and columns, cells short, no table or code within. Others only lay out the page."""
    if next(table.iter("pre"), None) is not None or next((t for t in table.iter("table") if t is not table), None) is not None:
        return False
    if table.get("role") == "presentation":
        return False
    cells = rows = width = 0
    for row in table.iter("tr"):
        here = sum(1 for cell in row if cell.tag in ("td", "th"))
        rows, cells, width = rows + 1, cells + here, max(width, here)
    if rows < 2 or width < 2 or rows * width > _MAX_GRID:
        return False
    text = squeeze(plain_text(table)) if cells < 5000 else plain_text(table)
    return len(text) / cells < MAX_CELL
