"""Documents inside files: archives, and tables whose rows are documents."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from rubric_factory.settings.base import Section
from rubric_factory.settings.source_base import NamedSource

_RATIO = "bytes that may come out of one compressed byte; past it the rest is refused as a bomb"


class ArchiveSource(NamedSource):
    """A zip or tar archive (tar also as gzip, bzip2, xz, zstandard), streamed. Keys of its documents: name + '/' + name in the archive."""

    type: Literal["archive"] = "archive"
    path: Path = Field(description="the archive; what it is, is told from its content")
    exclude: tuple[str, ...] = Field(
        default=(), description="glob patterns of names that are not documents ('*' crosses folders): refused as excluded"
    )
    max_members: int = Field(default=500_000, ge=1, description="members that are listed; the rest is refused as one")
    max_ratio: int = Field(default=300, ge=1, description=_RATIO)
    max_total_bytes: int = Field(default=50_000_000_000, ge=1, description="bytes of all documents together; the rest is refused as one")


class Columns(Section):
    """Which column holds what. One of text and bytes is needed; '' is no such column."""

    text: str = Field(default="", description="column of the document's text: a string")
    bytes: str = Field(default="", description="column of the document as a file: binary; in JSONL and CSV base64")
    key: str = Field(default="", description="column of a stable, unique name; without one: file and row number, which move")
    uri: str = Field(default="", description="column of the document's address")
    licence: str = Field(default="", description="column of the licence; where it is empty, that of the source stands")
    title: str = Field(default="", description="column of the title")
    authors: str = Field(default="", description="column of the authors: a string, or a list of them")
    date: str = Field(default="", description="column of the date")
    doi: str = Field(default="", description="column of the DOI")
    report_number: str = Field(default="", description="column of the report number")
    subjects: str = Field(default="", description="column of the subjects: a string, or a list of them")

    @model_validator(mode="after")
    def _content(self) -> "Columns":
        if bool(self.text) == bool(self.bytes):
            raise ValueError("one of text and bytes is needed, and only one")
        return self


class _Rows(NamedSource):
    """What every table has. Keys of its documents: name + '/' + value of the key column, or file name + ':' + row number."""

    columns: Columns = Field(description="which column holds what")
    media_type: Literal["", "text/plain", "text/html"] = Field(
        default="", description="what the documents are; empty: told from the content of each"
    )


class TableSource(_Rows):
    """Rows of a JSONL, CSV or Parquet file as documents, streamed; the first two also compressed (gzip, bzip2, xz, zstandard)."""

    type: Literal["table"] = "table"
    path: Path = Field(description="a file, or a folder whose files are read in the order of their names")
    format: Literal["", "jsonl", "csv", "parquet"] = Field(default="", description="what the files are; empty: told from their names")
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="what separates the fields of a CSV file")
    max_row_bytes: int = Field(
        default=32_000_000, ge=1, description="longest line of JSONL, longest field of CSV and Parquet; longer ones are refused"
    )
    max_ratio: int = Field(default=300, ge=1, description=_RATIO)


class HuggingFaceSource(_Rows):
    """A dataset of the Hugging Face library: one saved with `save_to_disk`, or one of the Hub, brought once and kept in the workspace."""

    type: Literal["huggingface"] = "huggingface"
    path: Path | None = Field(default=None, description="folder that `save_to_disk` wrote")
    dataset: str = Field(default="", description="name on the Hub, OWNER/NAME, in place of path")
    revision: str = Field(default="", description="commit or tag on the Hub; needed with dataset, because a branch moves")
    config: str = Field(default="", description="configuration of the dataset; empty: the only one")
    split: str = Field(default="train", description="split that is read")

    @model_validator(mode="after")
    def _one_place(self) -> "HuggingFaceSource":
        if (self.path is None) == (not self.dataset):
            raise ValueError("one of path and dataset is needed, and only one")
        if self.dataset and not self.revision:
            raise ValueError("revision is needed with dataset: it changes what the documents are")
        return self
