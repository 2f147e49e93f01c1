"""Locks and probe results on disk, by judge and by set of tasks: what was measured once is not measured again."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rubric_factory.errors import UsageError
from rubric_factory.judging.lock import FORMAT
from rubric_factory.judging.probes.protocol import Example, ProbeResult
from rubric_factory.records import content_id
from rubric_factory.settings.judge import Ensemble, JudgeSettings, LockSettings, ProbeSettings
from rubric_factory.workspace import write_text


@dataclass(frozen=True, slots=True)
class JudgeFiles:
    """Where the results of one judge on one set of tasks lie. digest: over all that may change them, see digest_of."""

    folder: Path
    judge: str
    digest: str

    @property
    def lock(self) -> Path:
        """The judge's lock."""
        return self.folder / f"{self._stem}.json"

    @property
    def probes(self) -> Path:
        """What the judge made of the probes."""
        return self.folder / f"{self._stem}.probes.json"

    @property
    def _stem(self) -> str:
        return f"{slug(self.judge)}-{self.digest[:16]}"


def slug(identity: str) -> str:
    """A judge's identity as a file name: letters, digits, dots and dashes, at most 60 of them."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", identity).strip("-.")[:60] or "judge"


def grading_of(section: JudgeSettings, identity: str) -> dict[str, Any]:
    """What decides a judge's verdicts: its identity, sampling and grading; not where it is served, nor how fast."""
    decisive = {"type", "sampling", "grading"}
    if isinstance(section, Ensemble):  # its identity names the members
        members = [member.model_dump(mode="json", include=decisive) for member in section.members]
        return {"identity": identity, **section.model_dump(mode="json", include={"type", "combine", "min_agreement"}), "members": members}
    return {"identity": identity, **section.model_dump(mode="json", include=decisive)}


def digest_of(
    section: JudgeSettings,
    identity: str,
    probes: ProbeSettings,
    lock: LockSettings,
    seed: int,
    author: str,
    tasks: Iterable[tuple[str, str]],
) -> str:
    """Digest over the judge, what it is held to, the author, this software's version and the tasks, (task_id, genre) each.

    Errors: UsageError where the labels cannot be read.
    """
    try:
        software = version("rubric-factory")
    except PackageNotFoundError:
        software = ""
    held_to = {**probes.model_dump(mode="json"), "labels": _digest_of_file(probes.labels)}
    settings = [held_to, lock.model_dump(mode="json", exclude={"allow_unlocked"})]
    return content_id("judge files", FORMAT, software, grading_of(section, identity), settings, seed, author, sorted(tasks))


def _digest_of_file(path: Path | None) -> str:
    """Digest of the bytes, '' without a file: what is in the labels decides, not where they lie."""
    if path is None:
        return ""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", expected="a labels file", fix="check [probes] labels") from None


def ranked(task_ids: Iterable[str], size: int, seed: int) -> list[str]:
    """At most `size` task ids in id order, drawn by a hash each: when a task comes or goes, the others stay drawn and keep their grades."""
    drawn = sorted(task_ids, key=lambda task_id: content_id("sample", seed, task_id))[:size]
    return sorted(drawn)


def write_probes(results: Sequence[ProbeResult], path: Path) -> None:
    """Write probe results. Errors: WorkspaceError."""
    write_text(path, json.dumps([result.to_row() for result in results], ensure_ascii=False, sort_keys=True, indent=1) + "\n")


def read_probes(path: Path) -> tuple[ProbeResult, ...] | None:
    """Probe results of a file; None where there is none, or none that can be read: they are then measured again."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return tuple(ProbeResult(**{**row, "worst": tuple(Example(**example) for example in row["worst"])}) for row in rows)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def short(results: Sequence[ProbeResult]) -> dict[str, dict[str, Any]]:
    """{name: figures} of probe results, without the answers that were graded: what a manifest says of them."""
    return {result.name: {key: value for key, value in result.to_row().items() if key not in ("name", "worst")} for result in results}
