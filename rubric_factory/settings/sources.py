"""Where documents come from: `[[sources]]`, discriminated on `type`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from rubric_factory.settings.local_sources import ArchiveSource, HuggingFaceSource, TableSource
from rubric_factory.settings.remote_sources import ObjectStoreSource, OstiSource, UrlListSource
from rubric_factory.settings.source_base import NamedSource


class FolderSource(NamedSource):
    """A folder, read recursively. Keys of its documents: name + '/' + path relative to the folder."""

    type: Literal["folder"] = "folder"
    path: Path = Field(description="the folder; relative paths are relative to the configuration file")
    licence_table: Path | None = Field(default=None, description="TSV with the columns file and licence")
    exclude: tuple[str, ...] = Field(
        default=(), description="glob patterns of relative paths that are not documents ('*' crosses folders): refused as excluded"
    )


Source = Annotated[
    FolderSource | ArchiveSource | TableSource | HuggingFaceSource | UrlListSource | OstiSource | ObjectStoreSource,
    Field(discriminator="type"),
]
