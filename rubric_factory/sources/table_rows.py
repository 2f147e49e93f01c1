"""Rows of JSONL, CSV and Parquet files, streamed: one row, or one small batch, in memory at a time."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.settings.local_sources import TableSource
from rubric_factory.sources.row_members import Row, check_names, names_of
from rubric_factory.sources.streams import Bad, Capped, opened

_BATCH_ROWS = 16  # a row may be a document of many megabytes
_MAX_GROUP_BYTES = 1 << 30


def jsonl_rows(path: Path, source: TableSource) -> Iterator[Row]:
    """One row a line; empty lines are none. Errors: Bad where the file cannot be read on."""
    with opened(path, max_ratio=source.max_ratio) as stream:
        for number, line in _lines(stream, source.max_row_bytes):
            if line is None:
                yield Row(path.name, number, {}, ("too_large", f"a line of more than {source.max_row_bytes} bytes"))
                continue
            try:
                value = json.loads(line.decode())
            except (ValueError, RecursionError) as error:
                yield Row(path.name, number, {}, ("invalid_json", f"{type(error).__name__}: {error}"[:200]))
                continue
            if isinstance(value, dict):
                yield Row(path.name, number, value)
            else:
                yield Row(path.name, number, {}, ("invalid_json", f"a {type(value).__name__} and no object"))


def _lines(stream: Capped, longest: int) -> Iterator[tuple[int, bytes | None]]:
    """(number, line) of every line that is not empty; None for one that is too long."""
    number = 0
    while line := stream.readline(longest + 1):
        number += 1
        if len(line) > longest:
            while line and not line.endswith(b"\n"):
                line = stream.readline(1 << 20)
            yield number, None
        elif stripped := line.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").strip():
            yield number, stripped


def csv_rows(path: Path, source: TableSource) -> Iterator[Row]:
    """One row a record below the header; number: that of the record. Errors: Bad where the file cannot be read on; ConfigurationError."""
    csv.field_size_limit(source.max_row_bytes)
    with opened(path, max_ratio=source.max_ratio) as stream:
        reader = csv.reader(_texts(stream, source.max_row_bytes), delimiter=source.delimiter)
        header: list[str] = []
        number = 0
        while True:
            try:
                fields = next(reader, None)
            except csv.Error as error:
                raise Bad("invalid_csv", f"record {number + 1}: {error}; the rest is not read") from None
            if fields is None:
                return
            if not header:
                header = fields
                check_names(source.columns, header, str(path))
            elif fields:
                number += 1
                yield _record(path.name, number, header, fields)


def _record(file: str, number: int, header: list[str], fields: list[str]) -> Row:
    if len(fields) != len(header):
        return Row(file, number, {}, ("invalid_csv", f"{len(fields)} fields, the header has {len(header)}"))
    if any("\udc80" <= character <= "\udcff" for field in fields for character in field if character > "\ud7ff"):
        return Row(file, number, {}, ("not_text", "bytes that are not UTF-8"))
    return Row(file, number, dict(zip(header, fields, strict=True)))


def _texts(stream: Capped, longest: int) -> Iterator[str]:
    """Lines as csv wants them. Errors: Bad invalid_csv for one that is too long."""
    first = True
    while line := stream.readline(longest + 1):
        if len(line) > longest:
            raise Bad("invalid_csv", f"a line of more than {longest} bytes; the rest is not read")
        yield (line.removeprefix(b"\xef\xbb\xbf") if first else line).decode("utf-8", "surrogateescape")
        first = False


def parquet_rows(path: Path, source: TableSource) -> Iterator[Row]:
    """One row a row; columns that nobody names are not read. Errors: Bad where the file cannot be read on; ConfigurationError."""
    try:
        with pq.ParquetFile(path) as file:
            check_names(source.columns, file.schema_arrow.names, str(path))
            _check_groups(file)
            yield from batch_rows(path.name, file.iter_batches(_BATCH_ROWS, columns=names_of(source.columns), use_threads=False))
    except (pa.ArrowException, OSError) as error:
        raise Bad("damaged", f"{type(error).__name__}: {error}"[:300]) from None


def _check_groups(file: pq.ParquetFile) -> None:
    """Errors: Bad too_large for a group of rows that says it does not fit memory."""
    for number in range(file.num_row_groups):
        size = file.metadata.row_group(number).total_byte_size
        if size > _MAX_GROUP_BYTES:
            raise Bad("too_large", f"a row group of {size} bytes, at most {_MAX_GROUP_BYTES} are read")


def batch_rows(file: str, batches: Iterator[Any]) -> Iterator[Row]:
    """Rows of Arrow batches or tables."""
    number = 0
    for batch in batches:
        for values in batch.to_pylist():
            number += 1
            yield Row(file, number, values)


FORMATS = {"jsonl": jsonl_rows, "csv": csv_rows, "parquet": parquet_rows}
ENDINGS = {
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    ".parquet": "parquet",
}
_PACKED = (".gz", ".bz2", ".xz", ".zst")


def format_of(path: Path) -> str:
    """Format by a file's name, compression aside; '' for a name that tells none."""
    name = path.name.lower()
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return ENDINGS.get(Path(name).suffix, "")
