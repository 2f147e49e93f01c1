"""The files of a dataset version: where its Parquet lies, its rows, and the digests that name its content.

Needs the base install only (pyarrow). Works on a staged folder and on a published one alike.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import DatasetError
from rubric_factory.tables import PUBLISHED, SPLITS

MANIFEST, LOCK, CONTRACTS = "manifest.json", "judge.lock.json", "contracts.json"
Row = dict[str, Any]
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class DatasetRows:
    """All rows of a version: split -> rows, for each configuration."""

    policy: dict[str, list[Row]]
    tasks: dict[str, list[Row]]
    grounding: dict[str, list[Row]]


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no blanks, no NaN. Errors: ValueError for NaN or infinity."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """sha256 hex digest over the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 hex digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def parquet_files(folder: Path, config: str, split: str) -> list[Path]:
    """Files of one configuration and split in name order. Errors: DatasetError where there is none (an empty split has one too)."""
    found = sorted((folder / config).glob(f"{split}-*.parquet"))
    if not found:
        raise DatasetError(
            f"{folder} has no {config}/{split}-*.parquet", expected="one file at least in every split", fix="stage or fetch it again"
        )
    return found


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        yield from pq.ParquetFile(path).iter_batches()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}", expected="a Parquet file", fix="stage or fetch the version again") from None


def iter_rows(folder: Path, config: str, split: str) -> Iterator[Row]:
    """Rows of one configuration and split in stored order, streamed. Errors: DatasetError."""
    for path in parquet_files(folder, config, split):
        for batch in _batches(path):
            yield from batch.to_pylist()


def load_rows(folder: Path) -> DatasetRows:
    """All rows of a version, in memory. Errors: DatasetError."""
    return DatasetRows(**{config: {split: list(iter_rows(folder, config, split)) for split in SPLITS} for config in PUBLISHED})


def describe_type(kind: pa.DataType) -> Any:
    """An Arrow type as JSON, independent of the library's version and of the names of list items."""
    if pa.types.is_struct(kind):
        return {kind.field(index).name: describe_type(kind.field(index).type) for index in range(kind.num_fields)}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [describe_type(kind.value_type)]
    return str(kind)


def describe_schema(schema: pa.Schema) -> list[Any]:
    """Columns of a schema in order as [name, type]."""
    return [[field.name, describe_type(field.type)] for field in schema]


def schema_of(folder: Path, config: str, split: str) -> list[Any]:
    """Described schema of one configuration and split. Errors: DatasetError when unreadable or when its files differ."""
    described = []
    for path in parquet_files(folder, config, split):
        try:
            described.append(describe_schema(pq.read_schema(path)))
        except (pa.ArrowException, OSError) as error:
            raise DatasetError(f"cannot read {path}: {error}", expected="a Parquet file", fix="stage or fetch the version again") from None
    if any(schema != described[0] for schema in described):
        raise DatasetError(f"the files of {config}/{split} in {folder} differ in their columns", expected="one schema")
    return described[0]


def schema_fingerprint(folder: Path) -> str:
    """sha256 over the described schemas of every configuration and split."""
    return digest({config: {split: schema_of(folder, config, split) for split in SPLITS} for config in PUBLISHED})


def content_fingerprint(folder: Path) -> str:
    """sha256 over canonical JSONL of all rows plus schema, read from the Parquet files of a version.

    Lines, in this order: per configuration (sorted) and split (train, validation, test) one line {config, split, schema}, then one line
    a row in stored order. Errors: DatasetError.
    """
    running = hashlib.sha256()
    for config in sorted(PUBLISHED):
        for split in SPLITS:
            head = canonical({"config": config, "split": split, "schema": schema_of(folder, config, split)})
            running.update(f"{head}\n".encode())
            for row in iter_rows(folder, config, split):
                try:
                    running.update(f"{canonical(row)}\n".encode("utf-8", "surrogatepass"))
                except ValueError:
                    raise DatasetError(f"{config}/{split} of {folder} holds NaN or infinity", expected="a number or null") from None
    return running.hexdigest()


def card_fingerprint(card: str, settings: Any, lock: Any = None) -> str:
    """sha256 over card text (its licence stands in it), settings and lock identity, without the lines that name the version's number.

    card: text of README.md. settings: content of settings.json. lock: lock_digest of the folder.
    """
    lines = [line for line in card.splitlines() if not line.startswith(("<!-- version ", "rubric-factory train "))]
    return digest({"card": lines, "lock": lock, "settings": settings})


def card_table(card: str, heading: str) -> list[list[str]]:
    """Cells of the table under a heading of README.md, row by row without its head; none where there is no such table."""
    section = card.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[_ESCAPED.sub(r"\1", cell) for cell in line[2:-2].split(" | ")] for line in lines[1:]]


def lock_digest(folder: Path) -> str | None:
    """sha256 hex digest of the version's judge lock, its identity; None where there is none."""
    return file_sha256(folder / LOCK) if (folder / LOCK).is_file() else None


def listed_files(folder: Path) -> list[str]:
    """Every file under the folder but manifest.json, as sorted POSIX paths relative to it."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(name for name in found if name != MANIFEST)


def files_map(folder: Path) -> dict[str, str]:
    """{relative path: sha256} of every file but manifest.json."""
    return {name: file_sha256(folder / name) for name in listed_files(folder)}


def folder_digest(files: dict[str, str]) -> str:
    """sha256 over the sorted files map: proves integrity and decides nothing."""
    return digest(dict(sorted(files.items())))
