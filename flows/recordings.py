"""Recorded answers of a language model: their provenance, and the proof that today's requests are the recorded ones."""

import hashlib
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.exchange import author_files, exchanged
from flows.pipeline import run_stage
from rubric_factory.errors import BlockedError, UsageError
from rubric_factory.stages import StageReport

if TYPE_CHECKING:
    from flows.commands.common import Invocation
    from rubric_factory.settings import Settings

PROVENANCE = "provenance.json"


def read_provenance(folder: Path) -> dict[str, Any]:
    """provenance.json of a folder of answers: model, revision, how, when, and files {name: sha256}, each of which is checked.

    Errors: UsageError without one, BlockedError for a file that is not the recorded one, or that it does not name.
    """
    path = folder / PROVENANCE
    try:
        row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        named = dict(row["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"cannot read {path}: {error}", expected="recorded answers with their provenance", fix="check --completions"
        ) from None
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*.jsonl"))}
    if wrong := sorted(name for name in named.keys() | found.keys() if named.get(name) != found.get(name)):
        raise BlockedError(f"{folder / wrong[0]} is not the recorded file", expected=f"the files and digests of {PROVENANCE}",
                           fix="restore it: recorded answers are never edited")  # fmt: skip
    return row


def verify_recordings(invocation: "Invocation", settings: "Settings", folder: Path) -> tuple[list[StageReport], dict[str, Any]]:
    """Ingest, cut and ask with the recorded answers in the model's place: the stages' reports, and `exchanged`."""
    with ExitStack() as stack:
        if invocation.workspace is None:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recordings-")))
            settings = settings.model_copy(update={"workspace": scratch / "workspace"})
        context = stack.enter_context(invocation.writer("recordings", settings))
        files = author_files(settings.author, None, folder)
        reports = [run_stage("ingest", context), run_stage("passages", context), run_stage("author", context, backends=files)]
        return reports, exchanged(files, context.workspace, "author")
