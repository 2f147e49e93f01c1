"""Rows of cells as a Markdown table: what every table of HTML and reStructuredText becomes."""

_MAX_SPAN = 60


class Grid:
    """Rows of a table under construction; cells that span leave empty ones behind."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._below: dict[int, int] = {}  # column -> rows that a cell above still covers

    def row(self) -> None:
        """Begin a row."""
        self.rows.append([])

    def cell(self, text: str, across: str | None, down: str | None) -> None:
        """Add a cell; across and down are its colspan and rowspan as written."""
        if not self.rows:
            self.row()
        row = self.rows[-1]
        self._covered(row)
        spans, height = _span(across), _span(down)
        for column in range(len(row), len(row) + spans):
            if height > 1:
                self._below[column] = height - 1
        row.extend([text.replace("|", "\\|"), *[""] * (spans - 1)])

    def _covered(self, row: list[str]) -> None:
        while self._below.get(len(row), 0) > 0:
            self._below[len(row)] -= 1
            row.append("")

    def markdown(self) -> str:
        """The table with its first row as head; rows without text left out; '' when nothing is left."""
        rows = [row for row in self.rows if any(row)]
        if not rows:
            return ""
        width = max(map(len, rows))
        keep = [column for column in range(width) if any(len(row) > column and row[column] for row in rows)]
        lines = ["| " + " | ".join([row[column] if column < len(row) else "" for column in keep]) + " |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * len(keep), *lines[1:]])


def _span(value: str | None) -> int:
    return min(int(value), _MAX_SPAN) if value and value.isdecimal() and len(value) < 5 and int(value) else 1
