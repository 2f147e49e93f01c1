"""A judge's verdicts beside labels: figures overall and by cluster of criteria, with intervals by document. Pure."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rubric_factory.judging.calibration.agreement import ALPHAS, RATES, Compared, Table, agreement, krippendorff_alpha
from rubric_factory.judging.calibration.labels import Label, Place
from rubric_factory.judging.probes.labels import MET, cluster_j
from rubric_factory.judging.probes.resample import interval_of
from rubric_factory.settings.judge import ProbeSettings

Row = dict[str, Any]
ALL = "all"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What labels come to on one criterion of one answer. share: mean of the labellers', whose majority says met or unmet."""

    label: Label
    share: float


def agreed(labels: Sequence[Label]) -> tuple[list[Agreed], int]:
    """One label a place, and how many places are left out because as many labellers say met as unmet. By place, in order."""
    places: dict[Place, list[Label]] = defaultdict(list)
    for label in labels:
        places[label.place].append(label)
    found, disputed = [], 0
    for _, own in sorted(places.items()):
        met = sum(label.share >= MET for label in own)
        if 2 * met == len(own):
            disputed += 1
            continue
        side = [label.share for label in own if (label.share >= MET) == (2 * met > len(own))]
        found.append(Agreed(own[0], sum(side) / len(side)))
    return found, disputed


def between_labellers(labels: Sequence[Label]) -> float | None:
    """Krippendorff's alpha of the labellers among themselves on met or unmet; None with one of them, or nothing labelled twice."""
    said = {(label.labeller, label.place): float(label.share >= MET) for label in labels}
    labellers, places = sorted({label.labeller for label in labels}), sorted({label.place for label in labels})
    return krippendorff_alpha([[said.get((labeller, place)) for place in places] for labeller in labellers], "nominal")


def clusters_of(label: Label) -> list[str]:
    """The clusters that a label counts in: category, polarity, question type, and polarity within question type."""
    criterion, asked = label.criterion, label.task.question_type
    polarity = "good_thing" if criterion.weight > 0 else "bad_thing"
    return [f"category/{criterion.category}", f"polarity/{polarity}", f"question_type/{asked}", f"question_type/{asked}/{polarity}"]


def _bounded(value: float | None, interval: tuple[float, float] | None) -> Row:
    low, high = interval or (None, None)
    return {"value": value, "ci95_low": low, "ci95_high": high}


def _rates(rows: Sequence[Compared], seed: int) -> dict[str, Row]:
    """The figures that counts are enough for, from one table a document."""
    own: dict[str, list[Compared]] = defaultdict(list)
    for row in rows:
        own[row.document_key].append(row)
    names, tables = list(own), [Table.of(some) for some in own.values()]
    found = {}
    for name, rate in RATES.items():

        def pooled(drawn: Sequence[Table], rate: Callable[[Table], float | None] = rate) -> float | None:
            return rate(Table.sum(drawn))

        value = pooled(tables)
        found[name] = _bounded(value, None if value is None else interval_of(tables, names, pooled, seed=seed))
    return found


def _alphas(rows: Sequence[Compared], seed: int, *, intervals: bool) -> dict[str, Row]:
    found = {}
    for name, coefficient in ALPHAS.items():
        value, documents = coefficient(rows), [row.document_key for row in rows]
        found[name] = _bounded(value, interval_of(rows, documents, coefficient, seed=seed) if intervals and value is not None else None)
    return found


def _group(name: str, rows: Sequence[Compared], settings: ProbeSettings, seed: int) -> Row:
    """One cluster: its figures, and J as the error-severity probe judges it. alpha has an interval in the cluster of all alone."""
    probe = cluster_j(name, [(row.pair, row.document_key) for row in rows], settings, seed=seed)
    met = sum(row.pair.label for row in rows)
    row: Row = {"n": len(rows), "met": met, "documents": len({row.document_key for row in rows}), "passed": probe.passed}
    row |= {**_rates(rows, seed), **_alphas(rows, seed, intervals=name == ALL)}
    return {**row, "youden_j": {"value": probe.value, "ci95_low": probe.ci95_low, "ci95_high": probe.ci95_high}}


def _kinds(rows: Sequence[tuple[Agreed, Compared]]) -> dict[str, Row]:
    """By kind of answer: pairs, share met by label and by judge. J is not asked here: most kinds hold labels of one sort."""
    found: dict[str, list[Compared]] = defaultdict(list)
    for one, row in rows:
        found[one.label.kind or "unknown"].append(row)
    return {
        kind: {
            "n": len(own),
            "labelled_met": sum(row.pair.label for row in own) / len(own),
            "judged_met": sum(row.pair.judged for row in own) / len(own),
            "agreement": agreement(Table.of(own)),
        }
        for kind, own in sorted(found.items())
    }


def report(labels: Sequence[Label], credit: Mapping[Place, float | None], settings: ProbeSettings, *, seed: int) -> Row:
    """Figures of one side: {labels, labellers, ..., clusters: {"all" and each cluster: figures}, kinds}.

    credit: the judge's level / highest level by place; None where it gave no grade, absent where it was not asked: both are counted and
    left out. Intervals are 95 %, by bootstrap over documents.
    """
    chosen, disputed = agreed(labels)
    rows = []
    for one in chosen:
        value = credit.get(one.label.place)
        if value is not None:
            rows.append((one, Compared(value, one.share, one.label.task.document_key)))
    clusters: dict[str, list[Compared]] = {ALL: [row for _, row in rows]}
    for one, row in rows:
        for name in clusters_of(one.label):
            clusters.setdefault(name, []).append(row)
    ungraded = sum(one.label.place in credit and credit[one.label.place] is None for one in chosen)
    return {
        "labels": len(labels),
        "pairs": len(rows),
        "responses": len({one.label.response_id for one, _ in rows}),
        "disputed": disputed,
        "ungraded": ungraded,
        "without_verdict": len(chosen) - ungraded - len(rows),
        "labellers": sorted({label.labeller for label in labels}),
        "alpha_between_labellers": between_labellers(labels),
        "clusters": {name: _group(name, own, settings, seed) for name, own in sorted(clusters.items(), key=lambda e: (e[0] != ALL, e[0]))},
        "kinds": _kinds(rows),
    }
