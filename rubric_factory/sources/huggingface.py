"""Datasets of the Hugging Face library as a source: saved ones as they lie, those of the Hub brought once. Every row a document."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rubric_factory.errors import MissingExtraError, SourceError, UsageError
from rubric_factory.progress import Progress
from rubric_factory.records import content_id
from rubric_factory.settings.local_sources import HuggingFaceSource
from rubric_factory.sources.row_members import Row, check_names, names_of, row_members
from rubric_factory.sources.streamed import Member, Streamed
from rubric_factory.sources.table_rows import batch_rows
from rubric_factory.workspace import Workspace, fsync_folder

_BATCH_ROWS = 16


class HuggingFace(Streamed):
    """Every row of one split, once. Rows are read from memory-mapped files; nothing of the dataset's own code runs."""

    def __init__(self, source: HuggingFaceSource, workspace: Workspace, *, max_bytes: int) -> None:
        super().__init__(source.name, source.path or Path(source.dataset), source.licence)
        self._source, self._max_bytes = source, max_bytes
        self.remote = source.path is None
        wanted = content_id("huggingface", source.dataset, source.revision, source.config, source.split)[:32]
        self._folder = source.path or workspace.originals / "huggingface" / wanted

    def check(self) -> None:
        """Errors: UsageError where a saved dataset is named and there is none, MissingExtraError."""
        _library()
        if not self.remote and not self._folder.is_dir():
            raise UsageError(
                f"no dataset at {self._folder}", expected="a folder that save_to_disk wrote", fix="check the path of the source"
            )

    def acquire(self, progress: Progress, limit: int | None = None) -> None:
        """Bring the dataset from the Hub, whole, unless it is here. Errors: SourceError where the Hub does not give it."""
        del limit
        if not self.remote or self._folder.exists():
            return
        part = self._folder.with_name(f".{self._folder.name}.{os.getpid()}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        source, library = self._source, _library()
        with progress.step(f"bring {source.name}", None, "rows") as step:
            try:
                found = library.load_dataset(
                    source.dataset, source.config or None, split=source.split, revision=source.revision, cache_dir=str(part / "cache")
                )
                found.select_columns(names_of(source.columns)).save_to_disk(str(part / "rows"))
                step.advance(found.num_rows)
                _settle(part / "rows", self._folder)
            except (OSError, ValueError, LookupError, TypeError, RuntimeError, library.exceptions.DatasetsError, *_http_errors()) as error:
                raise SourceError(
                    f"cannot bring {source.dataset}@{source.revision} ({source.split}): {type(error).__name__}: {str(error)[:300]}",
                    expected="a dataset of the Hub, and a network",
                    fix="check dataset, revision, config, split and columns of the source",
                ) from error
            finally:
                shutil.rmtree(part, ignore_errors=True)

    def members(self) -> Iterator[Member]:
        """Errors: UsageError, SourceError for a dataset that cannot be read, ConfigurationError for a column it does not have."""
        if self.remote and not self._folder.exists():
            return iter(())
        return row_members(self._rows(), self._source.columns, self._source.media_type, self._max_bytes)

    def _rows(self) -> Iterator[Row]:
        self.check()
        try:
            found: Any = _library().load_from_disk(str(self._folder), keep_in_memory=False)
        except (OSError, ValueError, KeyError) as error:
            raise SourceError(
                f"cannot read the dataset at {self._folder}: {error}", expected="a folder that save_to_disk wrote", fix="save it again"
            ) from None
        found = found.get(self._source.split) if isinstance(found, dict) else found
        if found is None:
            raise UsageError(
                f"no split {self._source.split!r} at {self._folder}", expected="one that was saved", fix="mend split of the source"
            )
        check_names(self._source.columns, found.column_names, self.place)
        tables = found.select_columns(names_of(self._source.columns)).with_format("arrow").iter(_BATCH_ROWS)
        yield from batch_rows(self._source.split, tables)


def _settle(made: Path, folder: Path) -> None:
    """Give a complete dataset its name, durably."""
    for file in made.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    fsync_folder(made)
    made.rename(folder)
    fsync_folder(folder.parent)


def _http_errors() -> tuple[type[Exception], ...]:
    """What the Hub's client lets through of its HTTP library's errors, which are no OSErrors."""
    try:
        from huggingface_hub.errors import HTTPError
    except ImportError:
        return ()
    return (HTTPError,)


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingExtraError.of("datasets", "pipeline") from None
    return datasets
