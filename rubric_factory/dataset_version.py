"""Read and verify a published dataset version: all that training and a foreign reader need, on the base install."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rubric_factory import dataset_facts as facts
from rubric_factory import dataset_files as files
from rubric_factory import dataset_manifest as manifest_facts
from rubric_factory.dataset_files import MANIFEST, Row
from rubric_factory.errors import DatasetError
from rubric_factory.records import DatasetVersion, Task
from rubric_factory.tables import SPLITS

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_NEEDED: dict[str, type] = {
    "name": str,
    "version": str,
    "content_fingerprint": str,
    "card_fingerprint": str,
    "schema_fingerprint": str,
    "folder_digest": str,
    "files": dict,
    "counts": dict,
    "splits": dict,
}


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` found: problems (none: the version is intact), files hashed, rows read by 'config/split'."""

    version: DatasetVersion
    problems: tuple[str, ...]
    files: int
    rows: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems

    def require(self) -> None:
        """Errors: DatasetError that names the first problems."""
        if self.problems:
            more = f" and {len(self.problems) - 3} more" if len(self.problems) > 3 else ""
            raise DatasetError(
                f"{self.version.path} does not verify: {'; '.join(self.problems[:3])}{more}",
                expected="the files as they were published",
                fix="fetch the version again; a published folder is never edited",
            )


def semantic(version: str) -> tuple[int, int, int]:
    """'1.2.3' as (1, 2, 3). Errors: DatasetError."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise DatasetError(f"{version!r} is not a version", expected="MAJOR.MINOR.PATCH")
    major, minor, patch = match.groups()
    return int(major), int(minor), int(patch)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetError(
            f"{folder} is not a dataset version: it has no {MANIFEST}", expected="a folder datasets/<name>/<version>", fix="see `versions`"
        ) from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}", expected="the manifest as published", fix="fetch the version again") from None
    for key, kind in _NEEDED.items():
        if not isinstance(manifest, dict) or not isinstance(manifest.get(key), kind):
            raise DatasetError(f"{path} has no usable {key!r}", expected="the manifest as published", fix="fetch the version again")
    return dict(manifest)


def open_version(folder: Path) -> DatasetVersion:
    """The version in a folder, as its manifest describes it; nothing is verified. Errors: DatasetError."""
    manifest = _manifest(folder)
    return DatasetVersion(
        name=manifest["name"],
        version=manifest["version"],
        path=str(folder),
        content_fingerprint=manifest["content_fingerprint"],
        card_fingerprint=manifest["card_fingerprint"],
        parent=manifest.get("parent"),
        manifest=manifest,
    )


def versions(datasets: Path, name: str | None = None) -> list[DatasetVersion]:
    """Every published version under datasets/<name>/<version>/, by name and then version, oldest first. Errors: DatasetError."""
    names = [name] if name else sorted(path.name for path in datasets.iterdir() if path.is_dir()) if datasets.is_dir() else []
    found = []
    for each in names:
        folders = [path for path in (datasets / each).glob("*") if _VERSION.fullmatch(path.name) and (path / MANIFEST).exists()]
        found += [open_version(folder) for folder in sorted(folders, key=lambda folder: semantic(folder.name))]
    return found


def latest(datasets: Path, name: str) -> DatasetVersion | None:
    """The newest version of a dataset, None where there is none yet. Errors: DatasetError."""
    found = versions(datasets, name)
    return found[-1] if found else None


def ancestors(datasets: Path, name: str, parent: str | None) -> list[DatasetVersion]:
    """The parent and its parents, nearest first. Errors: DatasetError where one of them is gone or the chain is a circle."""
    chain: list[DatasetVersion] = []
    while parent is not None:
        if parent in {version.version for version in chain}:
            raise DatasetError(f"the parents of {name} form a circle at {parent}", expected="a chain that ends at a first version")
        chain.append(open_version(datasets / name / parent))
        parent = chain[-1].parent
    return chain


def tasks(version: DatasetVersion, split: str) -> Iterator[Task]:
    """Tasks of one split in stored order. Errors: DatasetError for a row whose task_id is not that of its content."""
    for row in task_rows(version, split):
        try:
            task = facts.task_of(row)
        except ValueError as error:
            raise DatasetError(f"task {row['task_key']} of {version.path} is damaged: {error}", fix="verify the version") from None
        if task.task_id != row["task_id"]:
            raise DatasetError(f"task {row['task_key']} of {version.path} was changed after publishing", fix="verify the version")
        yield task


def task_rows(version: DatasetVersion, split: str) -> Iterator[Row]:
    """Rows of the configuration `tasks` in stored order: for columns that Task does not carry (provenance, quality)."""
    return files.iter_rows(Path(version.path), "tasks", split)


def policy(version: DatasetVersion, split: str) -> Iterator[Row]:
    """Rows of the configuration `policy`: task_id and prompt, all that a policy may see."""
    return files.iter_rows(Path(version.path), "policy", split)


def grounding(version: DatasetVersion, split: str | None = None) -> dict[str, Row]:
    """grounding_id -> row of the passages judges read; one split or all."""
    wanted = (split,) if split else SPLITS
    return {row["grounding_id"]: row for each in wanted for row in files.iter_rows(Path(version.path), "grounding", each)}


def trained_on(chain: list[DatasetVersion]) -> dict[str, set[str]]:
    """What the train splits of a chain of versions hold: values of task_key, task_id, document_key, document_id and passage sha256."""
    found: dict[str, set[str]] = {name: set() for name in ("task_key", "task_id", "document_key", "document_id", "sha256")}
    for version in chain:
        for row in task_rows(version, "train"):
            for name in ("task_key", "task_id", "document_key", "document_id"):
                found[name].add(row[name])
        found["sha256"].update(row["sha256"] for row in grounding(version, "train").values())
    return found


def side_of_documents(splits: dict[str, Any]) -> dict[str, str]:
    """document_key -> split of a manifest's split assignment."""
    documents = splits.get("documents", {})
    return {key: entry["split"] for key, entry in documents.items() if isinstance(entry, dict) and isinstance(entry.get("split"), str)}


def _file_problems(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    listed, present = manifest["files"], set(files.listed_files(folder))
    yield from (f"{name} is not listed in the manifest" for name in sorted(present - listed.keys()))
    for name in sorted(listed):
        if name not in present:
            yield f"{name} is missing"
        elif (folder / name).is_symlink() or files.file_sha256(folder / name) != listed[name]:
            yield f"{name} is not the file that was published"
    if files.folder_digest(listed) != manifest["folder_digest"]:
        yield "folder_digest is not that of the files map"


def _content_problems(folder: Path, manifest: dict[str, Any], rows: dict[str, int]) -> Iterator[str]:
    try:
        schema = list(facts.published_schema(folder))
        fingerprint = files.content_fingerprint(folder)
        loaded = files.load_rows(folder) if not schema else None
    except DatasetError as error:
        yield str(error)
        return
    yield from schema
    if fingerprint != manifest["content_fingerprint"]:
        yield "content_fingerprint is not that of the rows"
    if files.schema_fingerprint(folder) != manifest["schema_fingerprint"]:
        yield "schema_fingerprint is not that of the columns"
    if loaded is None:
        return
    rows.update({f"{c}/{s}": len(getattr(loaded, c)[s]) for c in ("policy", "tasks", "grounding") for s in SPLITS})
    yield from manifest_facts.of_rows(loaded, manifest)
    for name, fact in facts.FACTS.items():
        findings = [f"{name}: {finding}" for finding in fact(loaded)]
        yield from findings
        if name == "complete" and findings:
            return
    yield from (f"as_assigned: {finding}" for finding in facts.as_assigned(loaded, side_of_documents(manifest["splits"])))


def _record_problems(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    if _VERSION.fullmatch(folder.resolve().name) and folder.resolve().name != manifest["version"]:
        yield f"the folder is named {folder.resolve().name}, its manifest says {manifest['version']}"
    yield from _parent_problems(folder, manifest)
    try:
        card, text = ((folder / name).read_text(encoding="utf-8") for name in ("README.md", "settings.json"))
        settings = json.loads(text)
        if files.card_fingerprint(card, settings, files.lock_digest(folder)) != manifest["card_fingerprint"]:
            yield "card_fingerprint is not that of card, settings and lock"
        if files.digest(settings) != manifest.get("settings_sha256"):
            yield "settings_sha256 is not that of settings.json"
        yield from manifest_facts.of_card(card, manifest)
    except (OSError, ValueError):
        yield "card or settings cannot be read"
    yield from manifest_facts.of_lock(folder, manifest)
    try:
        contracts = json.loads((folder / files.CONTRACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        yield "contracts.json cannot be read"
        return
    if contracts.get("success") is not True or contracts.get("content_fingerprint") != manifest["content_fingerprint"]:
        yield "contracts.json is not a pass of this content"
    if contracts.get("profile") != manifest.get("contract_profile"):
        yield "contract_profile is not that of contracts.json"


def _parent_problems(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """The number follows from the parent's by one step, and no version that lies beside is between them."""
    parent = manifest.get("parent")
    try:
        major, minor, patch = semantic(parent) if parent is not None else (0, 0, 0)
        number = semantic(manifest["version"])
    except (DatasetError, TypeError):
        yield "version or parent is no version"
        return
    if number not in ({(major + 1, 0, 0), (major, minor + 1, 0), (major, minor, patch + 1)} if parent is not None else {(1, 0, 0)}):
        yield f"{manifest['version']} is no next version of its parent {parent}"
    beside = [semantic(path.name) for path in folder.resolve().parent.glob("*.*.*") if _VERSION.fullmatch(path.name)]
    if parent is not None and any((major, minor, patch) < other < number for other in beside):
        yield f"its parent is not {parent}: another version lies between them"


def verify(folder: Path) -> VerifyReport:
    """Check a version folder against itself.

    Every file's sha256, unlisted files, folder_digest, both fingerprints recomputed, schema, ids, spans, splits, and the contract
    result. Errors: DatasetError where there is no readable manifest.
    """
    version = open_version(folder)
    rows: dict[str, int] = {}
    problems = [*_file_problems(folder, version.manifest), *_content_problems(folder, version.manifest, rows)]
    problems += _record_problems(folder, version.manifest)
    return VerifyReport(version, tuple(problems), len(version.manifest["files"]), rows)
