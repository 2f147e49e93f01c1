"""What a person means by VERSION and by RUN on a command line: the folder."""

from pathlib import Path

from flows.commands.common import Invocation
from rubric_factory.dataset_files import MANIFEST
from rubric_factory.dataset_version import latest
from rubric_factory.errors import UsageError
from rubric_factory.text import printable

# Characters of a run id that are enough, where only one run begins with them.
SHORT_ID = 6
STAGED = "staged"


def _published(datasets: Path, word: str) -> Path | None:
    """The folder of NAME, NAME@VERSION, NAME/VERSION or VERSION under datasets/; None where there is none."""
    name, at, version = word.partition("@")
    if at:
        candidates = [datasets / name / version] if version else []
    else:
        newest = latest(datasets, word) if len(Path(word).parts) == 1 else None
        candidates = [Path(newest.path)] if newest else [datasets / word, *sorted(datasets.glob(f"*/{Path(word).name}"))]
    return next((folder for folder in candidates if (folder / MANIFEST).exists()), None)


def version_folder(invocation: Invocation, word: str) -> Path:
    """The folder of a version: a path, NAME (its latest), NAME@VERSION, NAME/VERSION, or VERSION alone. Errors: UsageError."""
    folder = Path(word)
    if (folder / MANIFEST).exists():
        return folder
    if folder.is_absolute() or len(folder.parts) > 2 or ".." in folder.parts:
        if folder.is_dir():
            return folder  # whoever opens it says what is missing
        raise UsageError(f"no folder at {word}", expected="the folder of a version", fix="see rubric-factory versions")
    datasets = invocation.place().datasets
    found = _published(datasets, word) or (folder if folder.is_dir() else None)
    if found is None:
        raise UsageError(
            f"no version {printable(word, 100)} in {datasets}",
            expected="a folder, NAME, NAME@VERSION or VERSION",
            fix="see rubric-factory versions",
        )
    return found


def subject_folder(invocation: Invocation, word: str) -> Path:
    """The folder of a version as above, or what is staged now for the word 'staged'. Errors: UsageError."""
    return invocation.place().staging / invocation.settings().name if word == STAGED else version_folder(invocation, word)


def run_folder(invocation: Invocation, word: str) -> Path | None:
    """The folder of a training run: a path, its id, or the first characters of its id; None where no run is meant. Errors: UsageError."""
    if (Path(word) / "run.json").exists():
        return Path(word)
    if len(Path(word).parts) != 1 or word in ("", ".", ".."):
        return None
    runs = invocation.place().runs
    if (runs / word / "run.json").exists():
        return runs / word
    found = sorted(path.parent for path in runs.glob("*/run.json") if path.parent.name.startswith(word)) if len(word) >= SHORT_ID else []
    if len(found) > 1:
        raise UsageError(f"{len(found)} runs begin with {word}", expected="one run", fix="give more characters of its id")
    return found[0] if found else None
