"""Where documents come from: `[[sources]]`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from rubric_factory.settings.base import Section


class FolderSource(Section):
    """A folder, read recursively. Keys of its documents: name + '/' + path relative to the folder."""

    type: Literal["folder"] = "folder"
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="stable name, first part of every document_key")
    path: Path = Field(description="the folder; relative paths are relative to the configuration file")
    licence: str = Field(default="unknown", description="licence of documents that the licence table does not name")
    licence_table: Path | None = Field(default=None, description="TSV with the columns file and licence")
    exclude: tuple[str, ...] = Field(
        default=(), description="glob patterns of relative paths that are not documents ('*' crosses folders): refused as excluded"
    )


# One type today; becomes a union discriminated on `type` with the second one.
Source = FolderSource
