"""staged.json: what the stage hands to contracts and publishing beside the Parquet files. Not part of the version."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rubric_factory.errors import BlockedError
from rubric_factory.workspace import write_text

STAGED = "staged.json"


@dataclass(frozen=True)
class Staged:
    """name, parent version (None for the first), content_fingerprint of the staged files, splits: the assignment for the manifest.

    counts: tasks, documents and grounding per split, what the stages before made, and the funnel (sql/audits/funnel.sql);
    gates: name -> {severity, checked, refused}; rejections: stage -> reason -> records; licences: name -> tasks;
    largest_cluster_share: of passages; corpus_sha256: over key, bytes and licence of every kept document;
    prompts: name -> sha256 of each prompt file of the author; judge: identity, '' without one; lock: summary of its lock;
    probes_before, probes_after: name -> figures, before and after the gates that need a judge;
    solver: identity of the model whose answers tell spread and difficulty, '' without one; necessity: rows of sql/audits/necessity.sql;
    gate_audit: name -> figures of repeats and corrupted answers on a small sample of what the judge's gates left;
    repair: rows of sql/audits/repair.sql; reviews: decision -> rows of review.jsonl.
    """

    name: str
    parent: str | None
    content_fingerprint: str
    splits: dict[str, Any]
    counts: dict[str, Any]
    gates: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejections: dict[str, dict[str, int]] = field(default_factory=dict)
    author: str = ""
    evidence_grade: str = ""
    licences: dict[str, int] = field(default_factory=dict)
    largest_cluster_share: float = 0.0
    corpus_sha256: str = ""
    prompts: dict[str, str] = field(default_factory=dict)
    judge: str = ""
    lock: dict[str, Any] = field(default_factory=dict)
    probes_before: dict[str, dict[str, Any]] = field(default_factory=dict)
    probes_after: dict[str, dict[str, Any]] = field(default_factory=dict)
    solver: str = ""
    necessity: list[dict[str, Any]] = field(default_factory=list)
    gate_audit: dict[str, dict[str, Any]] = field(default_factory=dict)
    repair: list[dict[str, Any]] = field(default_factory=list)
    reviews: dict[str, int] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write folder/staged.json."""
        write_text(folder / STAGED, json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def load_staged(folder: Path) -> Staged:
    """staged.json of a folder. Errors: BlockedError where nothing is staged."""
    try:
        return Staged(**json.loads((folder / STAGED).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BlockedError(f"nothing is staged in {folder}", expected=f"a folder with {STAGED}", fix="run the stage step first") from None
    except (OSError, ValueError, TypeError) as error:
        raise BlockedError(f"cannot read {folder / STAGED}: {error}", expected="what the stage step wrote", fix="stage again") from None
