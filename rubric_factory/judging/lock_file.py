"""judge.lock.json: what a lock holds, how it is written and read, and what a card says of it."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rubric_factory.errors import DatasetError
from rubric_factory.judging.canary import CanaryPair
from rubric_factory.workspace import write_text

FORMAT = 1


@dataclass(frozen=True, slots=True)
class JudgeLock:
    """One locked judge. max_flips and max_drift travel with it, so that verifying needs nothing else.

    allowed: error-severity probes that failed and were let through with --allow-unlocked-judge, as 'name: value, accept'.
    members: of an ensemble, a lock of each judge on the same canary (its own verdicts; tasks and probes stand in the whole).
    """

    identity: str
    backend: str
    model: str
    revision: str
    served: tuple[str, ...]
    engine: str
    prompt_hash: str
    sampling: dict[str, Any]
    grading: dict[str, Any]
    evidence_grade: str
    aggregation: str
    max_flips: float
    max_drift: float
    flip_rate: float
    mean_reward: float
    allowed: tuple[str, ...]
    tasks: tuple[dict[str, Any], ...] = field(repr=False)
    pairs: tuple[CanaryPair, ...] = field(repr=False)
    probes: tuple[dict[str, Any], ...] = field(repr=False)
    members: tuple["JudgeLock", ...] = field(default=(), repr=False)

    def to_json(self) -> str:
        """Deterministic JSON, keys sorted; members only where there are any."""
        return json.dumps({"format": FORMAT, **_row(self)}, ensure_ascii=False, sort_keys=True, indent=1) + "\n"

    @property
    def digest(self) -> str:
        """sha256 hex digest of to_json: what a run or a card names."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _row(lock: JudgeLock) -> dict[str, Any]:
    row = asdict(replace(lock, members=()))
    members = [_row(member) for member in lock.members]
    return {**row, "members": members} if members else {name: value for name, value in row.items() if name != "members"}


def write_lock(lock: JudgeLock, path: Path) -> None:
    """Write judge.lock.json atomically. Errors: WorkspaceError."""
    write_text(path, lock.to_json())


def _from_row(raw: dict[str, Any]) -> JudgeLock:
    """Inverse of _row. Errors: KeyError, TypeError, AttributeError."""
    pairs = tuple(CanaryPair(**pair) for pair in raw.pop("pairs"))
    members = tuple(_from_row(member) for member in raw.pop("members", ()))
    lists: dict[str, Any] = {name: tuple(raw.pop(name)) for name in ("served", "allowed", "tasks", "probes")}
    return JudgeLock(pairs=pairs, members=members, **lists, **raw)


def read_lock(path: Path) -> JudgeLock:
    """A lock from its file. Errors: DatasetError when it is missing, damaged or of another format."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw.pop("format") != FORMAT:
            raise ValueError("another format")
        return _from_row(raw)
    except FileNotFoundError:
        raise DatasetError(f"no judge lock at {path}", expected="judge.lock.json", fix="rubric-factory judge lock") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} is not a judge lock: {error}", expected=f"format {FORMAT}", fix="make a new lock") from None


def summary(lock: JudgeLock) -> dict[str, Any]:
    """What a card or manifest says of a lock: identity, canary, probes by name, without tasks, answers and examples."""
    failed = Counter("failed" if probe["passed"] is False else "passed" for probe in lock.probes if probe["passed"] is not None)
    return {
        "identity": lock.identity,
        "backend": lock.backend,
        "engine": lock.engine,
        "served": list(lock.served),
        "digest": lock.digest,
        "canary_pairs": len(lock.pairs),
        "flip_rate": lock.flip_rate,
        "probes": {probe["name"]: {key: probe[key] for key in ("value", "accept", "severity", "passed")} for probe in lock.probes},
        "probes_passed": failed["passed"],
        "probes_failed": failed["failed"],
        "allowed": list(lock.allowed),
        **({"agreement": agreement(lock), "members": [_member(lock, member) for member in lock.members]} if lock.members else {}),
    }


def agreement(lock: JudgeLock, member: JudgeLock | None = None) -> float | None:
    """Of an ensemble's lock: share of the members' canary verdicts (one member's) that are the combined one, where there is a combined one.

    None where no canary verdict is combined.
    """
    chosen = lock.members if member is None else (member,)
    same = [
        one.levels.get(key) == level
        for own in chosen
        for whole, one in zip(lock.pairs, own.pairs, strict=True)
        for key, level in whole.levels.items()
        if level is not None
    ]
    return sum(same) / len(same) if same else None


def _member(lock: JudgeLock, member: JudgeLock) -> dict[str, Any]:
    names = ("identity", "backend", "engine", "flip_rate", "mean_reward")
    return {**{name: getattr(member, name) for name in names}, "served": list(member.served), "agreement": agreement(lock, member)}
