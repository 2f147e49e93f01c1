"""What a workspace holds, in figures: read from the exported tables and the published version, without locking anything."""

from collections import Counter
from pathlib import Path
from typing import Any

from rubric_factory.workspace import Workspace


def read_rows(workspace: Workspace, table: str, *columns: str) -> list[dict[str, Any]]:
    """Columns of an exported table as rows; none where the stage has not run."""
    import pyarrow.parquet as pq

    path = workspace.tables / f"{table}.parquet"
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = pq.read_table(path, columns=list(columns) or None).to_pylist()
    return rows


def documents_kept(workspace: Workspace) -> int:
    """Documents of the last ingest, byte duplicates left out: what ingest itself calls kept."""
    return sum(row["duplicate_of"] is None for row in read_rows(workspace, "documents", "duplicate_of"))


def rejections(workspace: Workspace) -> dict[str, dict[str, int]]:
    """Refused records: {stage: {reason: n}}, sorted."""
    found: dict[str, Counter[str]] = {}
    for row in read_rows(workspace, "rejections", "stage", "reason"):
        found.setdefault(row["stage"], Counter())[row["reason"]] += 1
    return {stage: dict(sorted(found[stage].items())) for stage in sorted(found)}


def gates(workspace: Workspace) -> dict[str, dict[str, int]]:
    """Results per gate: {name: {checked, refused}}; refused counts failures of severity error."""
    found: dict[str, dict[str, int]] = {}
    for row in read_rows(workspace, "gate_results", "gate", "severity", "passed"):
        entry = found.setdefault(row["gate"], {"checked": 0, "refused": 0})
        entry["checked"] += 1
        entry["refused"] += int(not row["passed"] and row["severity"] == "error")
    return dict(sorted(found.items()))


def probes(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Probes before the gates that need a judge, of a manifest: {name: {value, accept, severity, passed}}; none without a judge."""
    names = ("value", "accept", "severity", "passed")
    return {name: {key: row[key] for key in names} for name, row in manifest.get("probes_before", {}).items()}


def splits(version: Path) -> dict[str, dict[str, int]]:
    """Tasks and documents of each split of a published version: {split: {tasks, documents}}."""
    import pyarrow.parquet as pq

    found: dict[str, list[str]] = {}
    for path in sorted((version / "tasks").glob("*.parquet")):
        keys = pq.read_table(path, columns=["document_key"]).column("document_key").to_pylist()
        found.setdefault(path.name.partition("-")[0], []).extend(keys)
    order = {"train": 0, "validation": 1, "test": 2}
    return {
        split: {"tasks": len(keys), "documents": len(set(keys))}
        for split, keys in sorted(found.items(), key=lambda item: order.get(item[0], 9))
    }
