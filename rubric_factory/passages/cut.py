"""One shard of texts to passages, measures and prints: a pure function over files, which any process may run.

A finished job is a folder passages/<name>/ of the workspace, renamed into place as a whole: passages.parquet and documents.parquet, which
the one writer folds and removes, and passages.prints and documents.prints, which stay.
"""

import errno
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import WorkspaceError
from rubric_factory.passages.contamination import Benchmark, load_benchmark
from rubric_factory.passages.measures import Measured, measured, shingles_of_document
from rubric_factory.passages.prints import write_prints
from rubric_factory.passages.shingles import Hashes, set_key
from rubric_factory.passages.withheld import row_of, split_of
from rubric_factory.records import Document, content_id
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.tables import DOCUMENT_MEASURES, PASSAGE_MEASURES, PASSAGES, WITHHELD_SECTIONS, document_from_row
from rubric_factory.workspace import disk_error, fsync_folder

# What the one writer folds and removes.
ROW_FILES = ("passages.parquet", "documents.parquet")
ROWS = pa.schema([*PASSAGES, *(column for column in PASSAGE_MEASURES if column.name not in PASSAGES.names)])
# Where sections are withheld; `passages` counts others there, and is renamed.
WITHHELD_PASSAGES = "withheld_passages"
SPLIT_ROWS = pa.schema(
    [
        *DOCUMENT_MEASURES,
        *(column for column in WITHHELD_SECTIONS if column.name not in DOCUMENT_MEASURES.names),
        (WITHHELD_PASSAGES, pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Job:
    """Documents of one row group of a shard of texts. due: document_key -> the digest that its passages are to carry."""

    texts: str
    group: int
    due: dict[str, str]
    folder: str

    @property
    def name(self) -> str:
        """Hash of what is cut, and how: the same work has the same name."""
        return content_id("cut", Path(self.texts).name, self.group, sorted(self.due.items()))[:32]

    @property
    def place(self) -> Path:
        """Folder of the result."""
        return Path(self.folder) / self.name

    def to_json(self) -> dict[str, Any]:
        """As it goes to another process."""
        return asdict(self)


class Cutter:
    """What all jobs of a process share: the settings, and the benchmark they name."""

    def __init__(self, settings: PassageSettings) -> None:
        self._settings = settings
        self._benchmark: Benchmark = load_benchmark(settings.decontaminate)

    def cut(self, job: Job) -> int:
        """Do a job, unless it is done: the number of its documents. Errors: WorkspaceError for a missing shard or a full disk.

        A process that outlived its parent may be at the same job: each writes a folder of its own, and the first to be done names it.
        """
        if not job.place.exists():
            partial = job.place.with_name(f".{job.name}.{os.getpid()}.part")
            shutil.rmtree(partial, ignore_errors=True)
            try:
                partial.mkdir(parents=True)
                self._write(job, partial)
                fsync_folder(partial)
                _give_name(partial, job.place)
                fsync_folder(job.place.parent)
            except OSError as error:
                raise disk_error(error, job.place) from None
        return len(job.due)

    def _write(self, job: Job, place: Path) -> None:
        name = job.name
        rows: list[dict[str, object]] = []
        documents: list[dict[str, object]] = []
        sets: list[Hashes] = []
        unions: list[Hashes] = []
        for document in _documents(job):
            split = split_of(document, self._settings, self._benchmark) if self._settings.withheld_sections else None
            found = measured(document, self._settings, self._benchmark, split)
            digest = job.due[document.document_key]
            rows += [{**row.passage_row(digest), **row.measure_row(name, len(sets) + at)} for at, row in enumerate(found)]
            sets += [row.shingles for row in found]
            unions.append(shingles_of_document(found))
            row = _document_row(document, found, digest, name, len(documents), unions[-1])
            if split is not None:
                said = row_of(document, split, [one.passage for one in found])
                row = {**said, WITHHELD_PASSAGES: said["passages"], **row}
            documents.append(row)
        write_prints(place / "passages.prints", sets)
        write_prints(place / "documents.prints", unions)
        pq.write_table(
            pa.Table.from_pylist(documents, schema=SPLIT_ROWS if self._settings.withheld_sections else DOCUMENT_MEASURES),
            place / "documents.parquet",
        )
        pq.write_table(pa.Table.from_pylist(rows, schema=ROWS), place / "passages.parquet", compression="zstd")
        for path in place.glob("*.parquet"):
            _sync(path)


def _give_name(partial: Path, place: Path) -> None:
    """Rename a whole folder into place; one that is there already holds the same."""
    try:
        partial.rename(place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        shutil.rmtree(partial, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _document_row(document: Document, found: list[Measured], digest: str, shard: str, row: int, union: Hashes) -> dict[str, object]:
    return {
        "document_key": document.document_key,
        "document_id": document.document_id,
        "settings_digest": digest,
        "passages": len(found),
        "shingles_key": set_key(union) if len(union) else 0,
        "shard": shard,
        "shard_row": row,
    }


def _documents(job: Job) -> list[Document]:
    try:
        with pq.ParquetFile(job.texts) as file:
            rows = file.read_row_group(job.group).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise WorkspaceError(
            f"cannot read {job.texts}: {error}", expected="a shard of texts", fix="run `rubric-factory ingest` again"
        ) from None
    return [document_from_row(row) for row in rows if row["document_key"] in job.due]
