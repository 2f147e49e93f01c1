"""Probes that need labels: Youden's J per criterion cluster, and self-preference (arXiv 2604.06996). Without labels: not applicable."""

from collections.abc import Sequence
from dataclasses import dataclass

from rubric_factory.judging.probes.protocol import ALL, Bench, Labelled, ProbeResult, shares
from rubric_factory.judging.probes.resample import interval_of
from rubric_factory.settings.judge import ProbeSettings

# Credit from which a criterion counts as met.
MET = 0.5


@dataclass(frozen=True, slots=True)
class Pair:
    """One criterion of one labelled response: what the judge says, what the label says."""

    judged: bool
    label: bool
    own: bool


def youden(pairs: Sequence[Pair]) -> float | None:
    """J = TPR - FPR in [-1, 1]; None without both kinds of labels."""
    met = [pair.judged for pair in pairs if pair.label]
    failed = [pair.judged for pair in pairs if not pair.label]
    return sum(met) / len(met) - sum(failed) / len(failed) if met and failed else None


def preference(pairs: Sequence[Pair]) -> float | None:
    """Pass rate of the own family's answers on criteria labelled failed, minus that of the others'; None without both."""
    own = [pair.judged for pair in pairs if not pair.label and pair.own]
    others = [pair.judged for pair in pairs if not pair.label and not pair.own]
    return sum(own) / len(own) - sum(others) / len(others) if own and others else None


def _pairs(bench: Bench, labelled: Sequence[Labelled], family: str) -> list[tuple[Labelled, list[Pair]]]:
    graded = bench.grade([(item.probe, item.response) for item in labelled])
    found = []
    for item, answer in zip(labelled, graded, strict=True):
        judged = shares(answer)
        pairs = [Pair(judged[key] >= MET, met, item.family == family) for key, met in item.met.items() if key in judged]
        found.append((item, pairs))
    return found


def youden_j(bench: Bench, labelled: Sequence[Labelled]) -> list[ProbeResult]:
    """J per cluster: a cluster with enough labels fails where even the upper end of its interval is not above 0."""
    if not labelled:
        return [ProbeResult("youden_j", None, 0.0, "error", None, 0, None, None, (), True, 0.0, "no labels given")]
    found = _pairs(bench, labelled, "")
    return [_youden(bench, name, [(i, p) for i, p in found if i.cluster == name]) for name in sorted({i.cluster for i in labelled})]


def _youden(bench: Bench, cluster: str, found: Sequence[tuple[Labelled, list[Pair]]]) -> ProbeResult:
    rows = [(pair, item.probe.task.document_key) for item, pairs in found for pair in pairs]
    return cluster_j(cluster, rows, bench.settings, seed=bench.seed)


def cluster_j(cluster: str, rows: Sequence[tuple[Pair, str]], settings: ProbeSettings, *, seed: int) -> ProbeResult:
    """Youden's J of one cluster from (pair, document_key), with its interval by document, as result of an error-severity probe."""
    flat = [pair for pair, _ in rows]
    value = youden(flat)
    interval = interval_of(flat, [key for _, key in rows], youden, seed=seed) if flat else None
    low, high = interval or (None, None)
    blocks = high is not None and high <= 0 and len(rows) >= settings.cluster_labels
    passed = None if value is None else not blocks
    note = "" if value is not None else "needs labels of both kinds"
    return ProbeResult(f"youden_j/{cluster}", value, 0.0, "error", passed, len(rows), low, high, (), True, 0.0, note)


def self_preference(bench: Bench, labelled: Sequence[Labelled], own_family: str) -> list[ProbeResult]:
    """How much more often the judge passes its own family's failed criteria."""
    accept = bench.settings.self_preference
    everything = [item for item in labelled if item.cluster == ALL]  # not once more for each further cluster
    found = _pairs(bench, everything, own_family) if own_family else []
    rows = [(pair, item.probe.task.document_key) for item, pairs in found for pair in pairs]
    flat = [pair for pair, _ in rows]
    value = preference(flat)
    if value is None:
        note = "needs labelled failures of the judge's own family and of another"
        return [ProbeResult("self_preference", None, accept, "warning", None, 0, None, None, (), False, 0.0, note)]
    interval = interval_of(flat, [key for _, key in rows], preference, seed=bench.seed)
    low, high = interval or (None, None)
    return [ProbeResult("self_preference", value, accept, "warning", value <= accept, len(rows), low, high)]
