"""Rows of JSONL, CSV and Parquet files, streamed: one row, or one small batch, in memory at a time."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.settings.local_sources import TableSource
from rubric_factory.sources.protocol import Problem
from rubric_factory.sources.row_members import Row, check_names, names_of
from rubric_factory.sources.streams import Bad, Capped, opened

_BATCH_ROWS = 16  # a row may be a document of many megabytes
_BATCH_BYTES = 256 << 20  # were every row as large as its group: a value may stand once in the file and in every row
_MAX_GROUP_BYTES = 1 << 30
_HARMLESS_BYTES = 16 << 20  # below it a ratio says nothing, as in `streams`


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
            names = names_of(source.columns)
            size = _group_bytes(file, path.stat().st_size, source.max_ratio)
            batches = file.iter_batches(max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, size))), columns=names, use_threads=False)
            yield from batch_rows(path.name, _capped(batches, path.stat().st_size * source.max_ratio), source.max_row_bytes)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Bad("damaged", f"{type(error).__name__}: {error}"[:300]) from None


def _group_bytes(file: pq.ParquetFile, file_bytes: int, max_ratio: int) -> int:
    """Bytes of the largest group of rows, as declared. Errors: Bad too_large for one that does not fit memory, bomb."""
    largest = 0
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        columns = [group.column(column) for column in range(group.num_columns)]
        size = max(group.total_byte_size, sum(column.total_uncompressed_size for column in columns))
        packed = min(file_bytes, sum(column.total_compressed_size for column in columns))
        if size > _MAX_GROUP_BYTES:
            raise Bad("too_large", f"a row group of {size} bytes, at most {_MAX_GROUP_BYTES} are read")
        if size > max(_HARMLESS_BYTES, max_ratio * packed):
            raise Bad("bomb", f"a row group of {size} bytes out of {packed}, at most {max_ratio} come out of one")
        largest = max(largest, size)
    return largest


def _capped(batches: Iterator[Any], most: int) -> Iterator[Any]:
    """The batches. A value that stands once in the file may stand in every row. Errors: Bad bomb past `most` bytes."""
    total = 0
    for batch in batches:
        total += batch.nbytes
        if total > max(_HARMLESS_BYTES, most):
            raise Bad("bomb", f"rows of more than {most} bytes come out of the file")
        yield batch


def batch_rows(file: str, batches: Iterator[Any], max_row_bytes: int = _MAX_GROUP_BYTES) -> Iterator[Row]:
    """Rows of Arrow batches or tables; one with a value that is too long, or none of Python's, is its problem."""
    number = 0
    for batch in batches:
        for at in range(batch.num_rows):
            number += 1
            values, problem = {}, None
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                values[name], problem = _cell(name, column[at], max_row_bytes)
                if problem is not None:
                    break
            yield Row(file, number, values if problem is None else {}, problem)


def _cell(name: str, scalar: Any, longest: int) -> tuple[Any, Problem | None]:
    """The value as Python has it, and why there is none."""
    if isinstance(scalar, pa.DictionaryScalar):
        scalar = scalar.value
    if isinstance(scalar, pa.BinaryScalar) and scalar.is_valid and (size := scalar.as_buffer().size) > longest:  # strings are such too
        return None, ("too_large", f"column {name!r} holds {size} bytes, at most {longest} are read")
    try:
        return scalar.as_py(), None
    except UnicodeDecodeError:
        return None, ("not_text", f"column {name!r} holds bytes that are not UTF-8")
    except (ValueError, OverflowError, KeyError, pa.ArrowException) as error:
        return None, ("unreadable", f"column {name!r}: {type(error).__name__}: {error}"[:200])


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
