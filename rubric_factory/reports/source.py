"""What an audit page is made of: one folder, published or staged, and nothing beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rubric_factory.dataset_files import CONTRACTS, LOCK, MANIFEST
from rubric_factory.dataset_version import verify
from rubric_factory.errors import DatasetError
from rubric_factory.publishing.staged import STAGED, Staged, load_staged

ProbeRow = dict[str, Any]
# What a short account of a probe (a manifest's) leaves out.
_UNSAID: ProbeRow = {"value": None, "accept": None, "severity": "warning", "passed": None, "n": None, "ci95_low": None, "ci95_high": None}
_UNSAID |= {"worst": (), "floor": False, "note": ""}


def _named(found: Mapping[str, ProbeRow] | Sequence[ProbeRow]) -> list[ProbeRow]:
    """Probe rows with their names in them: a lock lists full rows, a manifest has short ones by name."""
    return [{"name": name, **row} for name, row in found.items()] if isinstance(found, Mapping) else list(found)


def _badness(row: ProbeRow) -> tuple[bool, bool, bool, float]:
    """Sort key, worst first: failed, then errors before warnings, then by how little was left to the accepted figure."""
    measured = row["value"] is not None and row["accept"] is not None
    margin = (row["value"] - row["accept"] if row["floor"] else row["accept"] - row["value"]) if measured else 0.0
    return row["passed"] is not False, row["severity"] != "error", row["passed"] is None, margin


@dataclass(frozen=True)
class Source:
    """One folder's own account of itself.

    facts: what the stages counted. manifest: empty for a staged folder, as is version. contracts, lock: empty where there are none.
    damage: findings of `verify` on a published folder.
    """

    folder: Path
    facts: Staged
    manifest: dict[str, Any]
    contracts: dict[str, Any]
    lock: dict[str, Any]
    damage: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Number of a published version, '' for a staged folder: it has none yet."""
        return str(self.manifest.get("version", ""))

    @property
    def checks(self) -> list[dict[str, Any]]:
        """Results of the contracts; failed errors first, then failed warnings."""
        rows = list(self.contracts.get("checks", ()))
        return sorted(rows, key=lambda row: (row["success"], row["severity"] != "error", row["table"], row["check"]))

    def probes(self, when: str) -> list[ProbeRow]:
        """Probe results 'before' or 'after' the model-based gates, worst first; none where they were not run."""
        full = self.lock.get("probes", ()) if when == "before" else self.lock.get("probes_after", ())
        rows = {row["name"]: {**_UNSAID, **row} for row in _named(full)}
        for row in _named({**vars(self.facts), **self.manifest}.get(f"probes_{when}", ())):
            rows[row["name"]] = {**_UNSAID, **rows.get(row["name"], {}), **row}
        return sorted(rows.values(), key=_badness)

    @property
    def errors(self) -> list[str]:
        """Every error-severity result in the folder: damage, failed contracts, failed probes before the model-based gates."""
        found = [f"verify: {problem}" for problem in self.damage]
        if not self.contracts:
            found.append(f"contract: {CONTRACTS} is missing: nothing was checked")
        elif self.contracts.get("content_fingerprint") != self.facts.content_fingerprint:
            found.append(f"contract: {CONTRACTS} is a report on other content")
        found += [f"contract: {row['table']}.{row['check']}" for row in self.checks if not row["success"] and row["severity"] == "error"]
        if self.contracts and self.contracts.get("success") is not True and len(found) == len(self.damage):
            found.append("contract: the report says that it did not pass")
        return found + [f"probe: {row['name']}" for row in self.probes("before") if row["passed"] is False and row["severity"] == "error"]


def _object(path: Path) -> dict[str, Any]:
    """A JSON object of the folder, empty where there is no such file. Errors: DatasetError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}", expected="JSON as it was published", fix="fetch the version again") from None
    if not isinstance(found, dict):
        raise DatasetError(f"{path} holds no JSON object", expected="one as it was published", fix="fetch the version again")
    return found


def _facts(manifest: dict[str, Any]) -> Staged:
    """The counted facts of a manifest, by the names that they were staged under; older manifests lack some."""
    found = {field.name: manifest[field.name] for field in fields(Staged) if field.name in manifest}
    return Staged(**{**found, "prompts": manifest.get("prompts_sha256", {})})


def read_source(folder: Path) -> Source:
    """The account of a folder. A published one is verified too. Errors: DatasetError, BlockedError for a folder that is neither."""
    if not (folder / MANIFEST).exists() and (folder / STAGED).exists():
        return Source(folder, load_staged(folder), {}, _object(folder / CONTRACTS), _object(folder / LOCK))
    report = verify(folder)
    manifest = report.version.manifest
    return Source(folder, _facts(manifest), manifest, _object(folder / CONTRACTS), _object(folder / LOCK), report.problems)
