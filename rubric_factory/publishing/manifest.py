"""manifest.json of a version: its identity, its files, and where it came from."""

import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import rubric_factory
from rubric_factory.dataset_files import digest, files_map, folder_digest, schema_fingerprint
from rubric_factory.publishing.fingerprints import FORMAT
from rubric_factory.publishing.staged import Staged


def software() -> dict[str, str]:
    """Version of the package and, in a checkout, its commit ('-dirty' with changes); '' elsewhere."""
    try:
        version = installed_version("rubric-factory")
    except PackageNotFoundError:
        version = ""
    root, git = Path(rubric_factory.__file__).parents[1], shutil.which("git")
    commit = ""
    if git and (root / ".git").exists():
        command = [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - fixed arguments
        commit = done.stdout.strip() if done.returncode == 0 else ""
    return {"version": version, "commit": commit}


def now() -> str:
    """The time, UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def contract_summary(contracts: dict[str, Any]) -> dict[str, Any]:
    """{success, checks: number, failed: {severity: [names]}} of a contract report."""
    failed: dict[str, list[str]] = {}
    for check in contracts["checks"]:
        if not check["success"]:
            failed.setdefault(check["severity"], []).append(f"{check['table']}.{check['check']}")
    return {"success": contracts["success"], "checks": len(contracts["checks"]), "failed": failed}


def make_manifest(
    folder: Path,
    staged: Staged,
    version: str,
    *,
    card_fingerprint: str,
    settings: Any,
    contracts: dict[str, Any],
    cost: dict[str, Any],
) -> dict[str, Any]:
    """Manifest of a finished folder: call it when every other file is in place. Reads and hashes all of them.

    cost: 'model@revision' -> calls, tokens and seconds that the workspace's ledger holds up to now.
    """
    files = files_map(folder)
    return {
        "format": FORMAT,
        "name": staged.name,
        "version": version,
        "parent": staged.parent,
        "content_fingerprint": staged.content_fingerprint,
        "card_fingerprint": card_fingerprint,
        "schema_fingerprint": schema_fingerprint(folder),
        "folder_digest": folder_digest(files),
        "files": files,
        "counts": staged.counts,
        "gates": staged.gates,
        "rejections": staged.rejections,
        "licences": staged.licences,
        "largest_cluster_share": staged.largest_cluster_share,
        "contract_profile": contracts["profile"],
        "contracts": contract_summary(contracts),
        "settings_sha256": digest(settings),
        "prompts_sha256": staged.prompts,
        "repair": staged.repair,
        "reviews": staged.reviews,
        "author": staged.author,
        "judge": staged.judge,
        "lock": staged.lock,
        "probes_before": staged.probes_before,
        "probes_after": staged.probes_after,
        "solver": staged.solver,
        "necessity": staged.necessity,
        "gate_audit": staged.gate_audit,
        "evidence_grade": staged.evidence_grade,
        "corpus_sha256": staged.corpus_sha256,
        "splits": staged.splits,
        "software": software(),
        "times": {"published": now()},
        "cost": cost,
    }


def count_by(rows: list[dict[str, Any]], outer: str, inner: str, value: str) -> dict[str, dict[str, int]]:
    """Rows {outer, inner, value} as {outer: {inner: value}}, sorted."""
    found: dict[str, dict[str, int]] = {}
    for row in sorted(rows, key=lambda row: (row[outer], row[inner])):
        found.setdefault(row[outer], {})[row[inner]] = row[value]
    return found
