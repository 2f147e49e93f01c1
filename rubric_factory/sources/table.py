"""JSONL, CSV and Parquet files as a source: every row a document."""

from collections.abc import Iterator
from pathlib import Path

from rubric_factory.errors import UsageError
from rubric_factory.settings.local_sources import TableSource
from rubric_factory.sources.protocol import escape
from rubric_factory.sources.row_members import Row, row_members
from rubric_factory.sources.streamed import Member, Streamed
from rubric_factory.sources.streams import Bad
from rubric_factory.sources.table_rows import ENDINGS, FORMATS, format_of
from rubric_factory.workspace import Workspace


class Table(Streamed):
    """Every row of a file, or of the files of a folder, once. What cannot be read of a file as a whole is one more entry."""

    def __init__(self, source: TableSource, workspace: Workspace, *, max_bytes: int) -> None:
        del workspace
        super().__init__(source.name, source.path, source.licence)
        self._source, self._max_bytes = source, max_bytes

    def check(self) -> None:
        """Errors: UsageError where there is no table."""
        self._files()

    def _files(self) -> list[Path]:
        path, known = self._source.path, ", ".join("*" + ending for ending in ENDINGS)
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if file.is_file() and self._format(file))
        else:
            found = [path] if path.is_file() and self._format(path) else []
        if not found:
            raise UsageError(
                f"no table at {path}", expected=f"a file, or a folder of files: {known}", fix="check the path, or name the format"
            )
        return found

    def _format(self, file: Path) -> str:
        return self._source.format or format_of(file)

    def members(self) -> Iterator[Member]:
        """Errors: UsageError, ConfigurationError for a column that no row can have."""
        return row_members(self._rows(), self._source.columns, self._source.media_type, self._max_bytes)

    def _rows(self) -> Iterator[Row]:
        for file in self._files():
            number = 0
            try:
                for row in FORMATS[self._format(file)](file, self._source):
                    number = row.number
                    yield row
            except Bad as bad:
                yield Row(file.name, number + 1, {}, (bad.reason, f"{bad.detail}; nothing of {escape(file.name)} after it is read"))
