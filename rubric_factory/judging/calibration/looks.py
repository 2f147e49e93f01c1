"""Who looked at the test side, and when: a line for every look, written before a figure of it exists, so that "once" can be checked."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rubric_factory.errors import WorkspaceError
from rubric_factory.workspace import disk_error

Row = dict[str, Any]


def looks_file(labels: Path) -> Path:
    """Beside the labels, so that it goes where they go: <labels>.looks.jsonl."""
    return labels.with_suffix(".looks.jsonl")


def read_looks(path: Path) -> list[Row]:
    """Looks so far, oldest first; none without a file. Errors: WorkspaceError where it cannot be read: it is never begun anew."""
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"cannot read {path}: {error}", expected="the log of looks at the test side", fix="restore it") from None


def log_look(path: Path, **facts: Any) -> int:
    """Append a look with its time (UTC), onto the disk; the number of looks now. Errors: WorkspaceError."""
    before = read_looks(path)
    row = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **facts, "looks_before": len(before)}
    try:
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row, ensure_ascii=False) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        raise disk_error(error, path) from None
    return len(before) + 1
