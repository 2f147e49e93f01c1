"""Takedowns: yanked.jsonl of a dataset names documents and sources that no later version may hold. Append-only."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rubric_factory.dataset_version import versions
from rubric_factory.errors import DatasetError, UsageError
from rubric_factory.publishing.manifest import now
from rubric_factory.workspace import disk_error, fsync_folder

YANKED = "yanked.jsonl"


@dataclass(frozen=True, slots=True)
class Yanked:
    """What may not be published any more: document keys (or document ids) and whole sources."""

    documents: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    def holds(self, document_key: str, document_id: str) -> bool:
        """Whether a document is taken down: by key, by bytes, or with its source."""
        return bool({document_key, document_id} & self.documents) or document_key.split("/", 1)[0] in self.sources


def entries(datasets: Path, name: str) -> list[dict[str, Any]]:
    """Lines of yanked.jsonl, oldest first; a torn last line is left out. Errors: DatasetError for any other unreadable line."""
    path = datasets / name / YANKED
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(json.loads(line))
        except ValueError:
            if number < len(lines) or line.endswith("\n"):
                raise DatasetError(f"line {number} of {path} is damaged", expected="JSON", fix="mend it by hand") from None
    return found


def yanked(datasets: Path, name: str) -> Yanked:
    """Everything taken down so far. Errors: DatasetError."""
    lines = entries(datasets, name)
    documents = {key for line in lines for key in (*line["documents"], *line["document_ids"])}
    return Yanked(frozenset(documents), frozenset(line["target"] for line in lines if line["kind"] == "source"))


def affected_documents(manifest: dict[str, Any], target: str) -> dict[str, str]:
    """document_key -> document_id of a version's documents that the target names: a document_key, a document_id or a source."""
    documents: Iterable[tuple[str, Any]] = manifest["splits"].get("documents", {}).items()
    return {key: entry["document_id"] for key, entry in documents if target in (key, entry["document_id"]) or key.startswith(f"{target}/")}


def yank(datasets: Path, name: str, target: str, reason: str) -> list[str]:
    """Mark a document or source as taken down; the versions that hold it. The versions themselves stay as they are.

    Errors: UsageError where no version knows the target, or the reason is empty; WorkspaceError on a full disk.
    """
    if not reason.strip():
        raise UsageError("a takedown without a reason", expected="why, in a line", fix="give --reason")
    hits = {version.version: affected_documents(version.manifest, target) for version in versions(datasets, name)}
    documents = {key: document_id for found in hits.values() for key, document_id in found.items()}
    if not documents:
        raise UsageError(f"no version of {name} holds {target}", expected="a document_key, a document_id or the name of a source")
    kind = "document" if target in documents or target in documents.values() else "source"
    held = sorted(version for version, found in hits.items() if found)
    line = {"target": target, "kind": kind, "reason": reason, "versions": held, "time": now()}
    line |= {"documents": sorted(documents), "document_ids": sorted(set(documents.values()))}
    path = datasets / name / YANKED
    try:
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        fsync_folder(path.parent)
    except OSError as error:
        raise disk_error(error, path) from error
    return held
