"""The response set: which answers to which tasks are labelled, drawn by seed, and on which side of tune | test each document stands."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import cycle
from pathlib import Path
from typing import Any

from rubric_factory.errors import UsageError
from rubric_factory.judging.calibration.kinds import ROTATION, answers
from rubric_factory.judging.calibration.lines import read_lines
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import content_id

CALIBRATION_SPLITS = ("tune", "test")


def split_of(document_key: str) -> str:
    """The side of a document: half of all keys each, by hash alone, without a seed: nobody can draw another split."""
    return CALIBRATION_SPLITS[int(content_id("calibration split", document_key)[:8], 16) % 2]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One answer to be labelled; `criteria` of its task. Also a line that `judge --responses` reads."""

    task_id: str
    task_key: str
    document_key: str
    split: str
    kind: str
    response_id: str
    response: str
    criteria: int


def _in_turn(tasks: Sequence[ProbeTask], seed: int) -> list[ProbeTask]:
    """Tasks so that documents take turns, both in an order drawn by a hash each."""
    seen: Counter[str] = Counter()
    placed = []
    for probe in sorted(tasks, key=lambda probe: content_id("turn", seed, probe.task.task_id)):
        key = probe.task.document_key
        placed.append((seen[key], content_id("turn", seed, key), probe))
        seen[key] += 1
    return [probe for _, _, probe in sorted(placed, key=lambda entry: entry[:2])]


def _side(tasks: Sequence[ProbeTask], split: str, seed: int) -> Iterator[Drawn]:
    """Answers of one side without end: the next kind goes to the task that waits longest of those that offer it, never the same twice."""
    queue = _in_turn(tasks, seed)
    made = answers(tasks, seed)
    used: set[tuple[str, str]] = set()
    idle = 0
    for kind in cycle(ROTATION):
        free = (p for p in queue if (text := made[kind].get(p.task.task_id)) and (p.task.task_id, text) not in used)
        probe = next(free, None)
        idle = 0 if probe else idle + 1
        if idle > len(ROTATION):
            return
        if probe is None:
            continue
        task, text = probe.task, made[kind][probe.task.task_id]
        used.add((task.task_id, text))
        queue.remove(probe)
        queue.append(probe)
        identifier = JudgeInput.id_of(task.task_id, text)
        yield Drawn(task.task_id, task.task_key, task.document_key, split, kind, identifier, text, len(task.rubric.criteria))


def draw(tasks: Sequence[ProbeTask], *, responses: int, pairs: int, seed: int) -> list[Drawn]:
    """Answers, the sides in turn, until they come to `pairs` response-criterion pairs or to `responses` answers, whatever is first.

    Same tasks and seed, same answers. Errors: UsageError where a side has no document.
    """
    sides = {split: [probe for probe in tasks if split_of(probe.task.document_key) == split] for split in CALIBRATION_SPLITS}
    if empty := [split for split, own in sides.items() if not own]:
        raise UsageError(
            f"no document of this version falls on the side {empty[0]!r}",
            expected="documents on both sides of tune | test",
            fix="calibrate on a version of more documents",
        )
    streams = {split: _side(own, split, seed) for split, own in sides.items()}
    found: list[Drawn] = []
    while streams:
        for split in list(streams):
            if len(found) >= responses or sum(drawn.criteria for drawn in found) >= pairs:
                return found
            one = next(streams[split], None)
            if one is None:
                del streams[split]
            else:
                found.append(one)
    return found


def to_lines(drawn: Sequence[Drawn]) -> str:
    """A response set as JSON lines."""
    return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in drawn)


def _drawn(row: Any) -> Drawn:
    """Errors: ValueError where a row is none, or names another side than split_of."""
    if not isinstance(row, dict):
        raise ValueError("no object")
    types = {field.name: int if field.name == "criteria" else str for field in fields(Drawn)}
    if wrong := sorted(name for name, kind in types.items() if not isinstance(row.get(name), kind)):
        raise ValueError(f"no {wrong[0]}")
    one = Drawn(**{name: row[name] for name in types})
    if one.split != split_of(one.document_key):
        raise ValueError(f"document {one.document_key} is on the side {split_of(one.document_key)!r}")
    return one


def read_responses(path: Path) -> list[Drawn]:
    """Inverse of to_lines. Errors: UsageError that names the line, also where an answer stands on the wrong side."""
    found = read_lines(path, _drawn, what="drawn answer", expected="a file of judge sample")
    if not found:
        raise UsageError(f"{path} holds no answer", expected="a file of judge sample", fix="draw it again")
    return found
