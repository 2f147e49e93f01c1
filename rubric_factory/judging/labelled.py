"""The labels of `[probes] labels` as the probes take them: the tune side alone, so that no judge is ever held against the test side."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rubric_factory.judging.calibration.labels import Label, read_labels
from rubric_factory.judging.calibration.lines import read_lines
from rubric_factory.judging.calibration.report import clusters_of
from rubric_factory.judging.probes.protocol import ALL, Labelled, ProbeTask

SIDE, MET = "tune", 0.5


def named_tasks(path: Path) -> set[str]:
    """Ids, and keys where a line has no id, of the tasks that a labels file speaks of. Errors: UsageError that names the line."""
    return set(read_lines(path, _name, what="label", expected='{"task_id", "criterion_key", "response", "level", "labeller"}'))


def _name(row: Any) -> str:
    if not isinstance(row, dict):
        raise ValueError("no object")
    return str(row.get("task_id") or row.get("task_key") or "")


def labelled(path: Path, probes: Iterable[ProbeTask]) -> list[Labelled]:
    """Labelled responses to these tasks, once for each cluster (and `all`) that their labels count in; none where no label is about them.

    Labels without the response's text are left out: there is nothing to grade. Errors: UsageError that names the line.
    """
    by_id: Mapping[str, ProbeTask] = {probe.task.task_id: probe for probe in probes}
    if not named_tasks(path) & {name for probe in by_id.values() for name in (probe.task.task_id, probe.task.task_key)}:
        return []
    found, _ = read_labels(path, [probe.task for probe in by_id.values()])
    groups: dict[tuple[str, str, str, str], list[Label]] = {}
    for label in found:
        if label.split == SIDE and label.response:
            for cluster in (ALL, *clusters_of(label)):
                groups.setdefault((cluster, label.task.task_id, label.response_id, label.family), []).append(label)
    return [_one(by_id[task_id], cluster, family, labels) for (cluster, task_id, _, family), labels in sorted(groups.items())]


def _one(probe: ProbeTask, cluster: str, family: str, labels: list[Label]) -> Labelled:
    shares: dict[str, list[float]] = {}
    for label in labels:
        shares.setdefault(label.criterion.criterion_key, []).append(label.share)
    met = {key: sum(values) / len(values) >= MET for key, values in shares.items()}
    return Labelled(probe, labels[0].response, met, cluster, family)
