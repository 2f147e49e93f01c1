"""Load a finished folder as a stranger would, with `datasets` and nothing else, before it becomes a version."""

import tempfile
from pathlib import Path
from typing import Any

from rubric_factory.errors import BlockedError, MissingExtraError
from rubric_factory.tables import PUBLISHED, SPLITS


def load_back(folder: Path, counts: dict[str, Any]) -> None:
    """Load every configuration offline and compare the number of rows per split.

    counts: {tasks, grounding} -> split -> rows. Errors: BlockedError where the folder does not load or holds other rows,
    MissingExtraError.
    """
    try:
        import datasets
    except ImportError:
        raise MissingExtraError.of("datasets", "pipeline") from None
    shown = datasets.utils.logging.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        with tempfile.TemporaryDirectory(prefix="load-back-", dir=folder.parent) as cache:
            for config in PUBLISHED:
                wanted = counts["grounding" if config == "grounding" else "tasks"]
                expected = {split: wanted[split] for split in SPLITS if wanted[split]}
                try:
                    loaded = datasets.load_dataset(str(folder), config, cache_dir=cache)
                except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
                    raise BlockedError(f"{config} of {folder} does not load with `datasets`: {error}", expected="that it loads") from None
                found = {split: loaded[split].num_rows for split in loaded}
                if found != expected:
                    raise BlockedError(f"`datasets` reads {found} rows of {config} from {folder}", expected=str(expected))
    finally:
        if shown:
            datasets.enable_progress_bars()
