"""`status`: how far a workspace is. Reads progress files, exported tables and the ledger; locks nothing, so it runs beside any command."""

import json
import time
from typing import Any

from flows.commands.common import Invocation, command
from rubric_factory.workspace import Workspace


def _progress(workspace: Workspace) -> list[dict[str, Any]]:
    """Rows of the progress files, in the order in which they were last touched."""
    rows = []
    for path in workspace.progress.glob("*.json"):
        try:
            rows.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue  # it is being replaced right now
    return sorted(rows, key=lambda row: row["time"])


def _writer(workspace: Workspace) -> bool:
    """Whether a command holds the writer lock (seen in the system's list of locks, without taking it)."""
    from pathlib import Path

    try:
        inode = (workspace.root / ".writer").stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(line.split()[5].endswith(f":{inode}") for line in locks.splitlines() if " FLOCK " in line)


def _tables(workspace: Workspace) -> dict[str, int]:
    import pyarrow.parquet as pq

    return {path.stem: pq.ParquetFile(path).metadata.num_rows for path in sorted(workspace.tables.glob("*.parquet"))}


def _calls(workspace: Workspace) -> list[dict[str, Any]]:
    from rubric_factory.ledger import Ledger

    if not workspace.ledger.exists():
        return []
    with Ledger(workspace.ledger) as ledger:
        return ledger.summary()


@command("status")
def status_command(invocation: Invocation) -> None:
    """Show how far the workspace is, without locking it."""
    from flows.summary import rejections
    from rubric_factory.dataset_version import versions
    from rubric_factory.text import printable

    workspace = invocation.place()
    row: dict[str, Any] = {
        "workspace": str(workspace.root),
        "writing": _writer(workspace),
        "progress": _progress(workspace),
        "tables": _tables(workspace),
        "rejections": rejections(workspace),
        "calls": _calls(workspace),
        "versions": [f"{version.name} {version.version}" for version in versions(workspace.datasets)],
    }
    invocation.say(f"workspace {workspace.root}: {'a command is writing' if row['writing'] else 'no command is writing'}")
    for step in row["progress"]:
        state = "stopped" if step["state"] == "running" and not row["writing"] else step["state"]
        of = f"/{step['total']}" if step["total"] is not None else ""
        ago = max(0, int(time.time() - step["time"]))
        invocation.say(f"  {printable(step['stage']):<10} {state:<8} {step['done']}{of} {printable(step['unit'])}, {ago} s ago")
        if step.get("note"):
            invocation.say(f"    {printable(step['note'], 400)}")
    for name, count in row["tables"].items():
        invocation.say(f"  {name:<14} {count} rows")
    for stage, reasons in row["rejections"].items():
        invocation.say("  " + printable(f"refused by {stage}: " + ", ".join(f"{reason} {n}" for reason, n in reasons.items()), 1000))
    for call in row["calls"]:
        invocation.say("  " + printable("calls: " + ", ".join(f"{name} {value}" for name, value in call.items()), 500))
    invocation.say("  versions: " + (", ".join(row["versions"]) or "none yet"))
    invocation.result(row)
