"""A staged folder that passed its contracts to a published, immutable version: one rename, after everything is on the disk."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rubric_factory.dataset_files import (
    CONTRACTS,
    MANIFEST,
    card_fingerprint,
    content_fingerprint,
    file_sha256,
    lock_digest,
    schema_fingerprint,
)
from rubric_factory.dataset_version import latest
from rubric_factory.errors import BlockedError, WorkspaceError
from rubric_factory.ledger import Ledger
from rubric_factory.publishing.card import card
from rubric_factory.publishing.fingerprints import next_version, public_settings
from rubric_factory.publishing.load_back import load_back
from rubric_factory.publishing.manifest import make_manifest
from rubric_factory.publishing.staged import STAGED, Staged, load_staged
from rubric_factory.records import DatasetVersion
from rubric_factory.stages import Context, StageReport
from rubric_factory.workspace import disk_error, fsync_folder


@dataclass(frozen=True)
class PublishReport(StageReport):
    """version and folder of what was published; published False: nothing new, they name the version that already says the same."""

    version: str = ""
    folder: str = ""
    published: bool = False
    content_fingerprint: str = ""


@contextlib.contextmanager
def _publishing(folder: Path) -> Iterator[None]:
    """Hold the publishers' lock of one dataset. Errors: WorkspaceError when another process holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / ".publishing").open("a+")
    except OSError as error:
        raise disk_error(error, folder) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError(
                f"another process is publishing {folder.name}", expected="one publisher at a time", fix="wait for it, then run again"
            ) from None
        yield


def _contracts(folder: Path, fingerprint: str) -> dict[str, Any]:
    """contracts.json of exactly this content. Errors: BlockedError: without, failed, or of another content."""
    fix = "run the contracts step on the staged folder"
    try:
        contracts: dict[str, Any] = json.loads((folder / CONTRACTS).read_text(encoding="utf-8"))
        success, checked, staged = contracts["success"], contracts["content_fingerprint"], contracts["staged_sha256"]
        failed = [f"{c['table']}.{c['check']}" for c in contracts["checks"] if not c["success"] and c["severity"] == "error"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BlockedError(f"{folder} has no contract report", expected=f"{CONTRACTS} of this content", fix=fix) from None
    if checked != fingerprint or staged != file_sha256(folder / STAGED):
        raise BlockedError("the staged files are not those that the contracts checked", expected=f"content {fingerprint[:12]}", fix=fix)
    if success is not True or failed:
        raise BlockedError(
            f"contracts failed: {', '.join(failed[:5])}", expected="no failed contract", fix="mend the cause and stage again"
        )
    return contracts


def _settings(context: Context, folder: Path) -> Any:
    """Public settings, equal to those the folder was staged with. Errors: BlockedError."""
    settings = json.loads(json.dumps(public_settings(context.settings.model_dump())))
    try:
        staged = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        staged = None
    if staged != settings:
        raise BlockedError("the settings are not those of the staged folder", expected="the settings it was staged with", fix="stage again")
    return settings


def _on_parent(staged: Staged, parent: DatasetVersion | None) -> None:
    """Errors: BlockedError where another version was published since: sides of the split hang on the newest one."""
    newest = parent.version if parent else None
    if staged.parent != newest:
        raise BlockedError(f"it was staged on version {staged.parent}", expected=f"the newest one, {newest}", fix="stage again")


def _copy(staging: Path, part: Path) -> None:
    """A private copy of the staged folder: what is checked is what is published, whatever happens to the original meanwhile."""
    for leftover in staging.parent.glob(f".{staging.name}.*.publishing"):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        shutil.copytree(staging, part, symlinks=True)
    except FileNotFoundError:
        raise BlockedError(f"nothing is staged in {staging}", expected=f"a folder with {STAGED}", fix="run the stage step first") from None
    except (OSError, shutil.Error) as error:
        raise _full(error, part) from error


def _full(error: Exception, path: Path) -> WorkspaceError:
    return disk_error(error, path) if isinstance(error, OSError) else WorkspaceError(f"cannot write {path}: {error}")


def _sync(part: Path) -> None:
    """Everything under the folder onto the disk, files before the folders that name them."""
    for path in sorted(part.rglob("*"), reverse=True):
        if path.is_dir():
            fsync_folder(path)
        else:
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
    fsync_folder(part)


def _cost(context: Context) -> dict[str, Any]:
    """What the answered calls of this workspace cost so far: 'model@revision' -> calls, tokens, seconds. Nothing without a ledger."""
    if not context.workspace.ledger.exists():
        return {}
    with Ledger(context.workspace.ledger) as ledger:
        answered = [row for row in ledger.summary() if row["state"] == "answered"]
    names = ("calls", "prompt_tokens", "completion_tokens", "seconds")
    return {f"{row['model']}@{row['revision']}": {name: row[name] for name in names} for row in answered}


def _finish(context: Context, part: Path, staged: Staged, version: str, contracts: dict[str, Any], fingerprint: str, settings: Any) -> None:
    """Card and manifest into the private copy; all of it durable."""
    (part / STAGED).unlink()
    (part / "README.md").write_text(card(staged, version), encoding="utf-8")
    load_back(part, staged.counts)
    manifest = make_manifest(
        part, staged, version, card_fingerprint=fingerprint, settings=settings, contracts=contracts, cost=_cost(context)
    )
    (part / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    _sync(part)


def _rename(part: Path, target: Path) -> None:
    """The moment of publishing. Errors: WorkspaceError where a version of that number is there already."""
    try:
        part.rename(target)
    except OSError as error:
        if target.exists():
            raise WorkspaceError(
                f"{target} was published by another process meanwhile", expected="a number that is free", fix="stage and publish again"
            ) from None
        raise disk_error(error, target) from error
    fsync_folder(target.parent)


def _report(parent: DatasetVersion | None, folder: Path, staged: Staged, version: str | None, started: float) -> PublishReport:
    named = version or (parent.version if parent else "")
    counts = {"published": int(version is not None), "tasks": sum(staged.counts["tasks"].values()), **staged.counts["tasks"]}
    return PublishReport(
        stage="publish",
        counts=counts,
        seconds=time.monotonic() - started,
        version=named,
        folder=str(folder / named),
        published=version is not None,
        content_fingerprint=staged.content_fingerprint,
    )


def publish(context: Context) -> PublishReport:
    """Publish the staged folder as the next version, or say that nothing is new.

    A kill at any moment leaves no version or a whole one. Errors: BlockedError (exit 3) without a passed contract report on exactly these
    files, or where they were staged on another parent or with other settings; WorkspaceError for a second publisher or a full disk.
    """
    started = time.monotonic()
    name = context.settings.name
    staging, folder = context.workspace.staging / name, context.workspace.datasets / name
    part = staging.parent / f".{name}.{os.getpid()}.publishing"
    load_staged(staging)
    with _publishing(folder), context.progress.step("publish", 1, "versions") as step:
        parent = latest(context.workspace.datasets, name)
        try:
            _copy(staging, part)
            staged, fingerprint = load_staged(part), content_fingerprint(part)
            contracts, settings = _contracts(part, fingerprint), _settings(context, part)
            card_sha = card_fingerprint(card(staged, "0.0.0"), settings, lock_digest(part))
            schema = schema_fingerprint(part)
            version = next_version(parent, schema_fingerprint=schema, content_fingerprint=fingerprint, card_fingerprint=card_sha)
            if version is not None:
                _on_parent(staged, parent)
                _finish(context, part, staged, version, contracts, card_sha, settings)
                _rename(part, folder / version)
        except OSError as error:
            raise disk_error(error, part) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        step.advance()
    return _report(parent, folder, staged, version, started)
