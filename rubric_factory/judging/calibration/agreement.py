"""Figures of agreement between a judge and labels: one pure function each. The home of the coefficient library."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

from rubric_factory.judging.probes.labels import MET, Pair, youden


@dataclass(frozen=True, slots=True)
class Compared:
    """One criterion of one answer: credit in [0, 1] that the judge and the label give, and whose document it is."""

    judged: float
    label: float
    document_key: str

    @property
    def pair(self) -> Pair:
        """Met or not, as the probes count it."""
        return Pair(self.judged >= MET, self.label >= MET, own=False)


Rows = Sequence[Compared]


def agreement(rows: Rows) -> float | None:
    """Share of pairs on which both say met or both say unmet, in [0, 1]; None without pairs."""
    return sum(row.pair.judged == row.pair.label for row in rows) / len(rows) if rows else None


def kappa(rows: Rows) -> float | None:
    """Cohen's kappa, (p_o - p_e) / (1 - p_e), in [-1, 1]; p_e: agreement by chance at both sides' own shares of met.

    None where both say the same of everything (p_e = 1), or without pairs. Source: Cohen 1960.
    """
    observed = agreement(rows)
    if observed is None:
        return None
    one, two = (sum(side) / len(rows) for side in zip(*((row.pair.judged, row.pair.label) for row in rows), strict=True))
    chance = one * two + (1 - one) * (1 - two)
    return None if chance == 1 else (observed - chance) / (1 - chance)


def true_positive_rate(rows: Rows) -> float | None:
    """TPR: of what is labelled met, the share that the judge says is met; None where nothing is."""
    met = [row.pair.judged for row in rows if row.pair.label]
    return sum(met) / len(met) if met else None


def false_positive_rate(rows: Rows) -> float | None:
    """FPR: of what is labelled unmet, the share that the judge says is met; None where nothing is."""
    unmet = [row.pair.judged for row in rows if not row.pair.label]
    return sum(unmet) / len(unmet) if unmet else None


def youden_j(rows: Rows) -> float | None:
    """J = TPR - FPR, in [-1, 1]; None without both kinds of labels."""
    return youden([row.pair for row in rows])


def krippendorff_alpha(table: Sequence[Sequence[float | None]], level: Literal["nominal", "interval"]) -> float | None:
    """Krippendorff's alpha, 1 - D_o / D_e. table: a row a rater, a column a unit, None where a rater says nothing.

    None where all values are one, or no unit has two. Source: Krippendorff 2004, Content Analysis.
    """
    import krippendorff

    columns = [column for column in zip(*table, strict=True) if sum(value is not None for value in column) > 1]
    if len({value for column in columns for value in column if value is not None}) < 2:
        return None
    data = [[nan if value is None else value for value in row] for row in zip(*columns, strict=True)]
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement=level))


def alpha(rows: Rows) -> float | None:
    """Krippendorff's alpha of judge and labels on met or unmet, nominal."""
    return krippendorff_alpha([[float(row.pair.judged) for row in rows], [float(row.pair.label) for row in rows]], "nominal")


def alpha_levels(rows: Rows) -> float | None:
    """Krippendorff's alpha of judge and labels on level / highest level, interval: near misses count as near."""
    return krippendorff_alpha([[row.judged for row in rows], [row.label for row in rows]], "interval")


FIGURES: dict[str, Callable[[Rows], float | None]] = {
    "agreement": agreement,
    "kappa": kappa,
    "alpha": alpha,
    "alpha_levels": alpha_levels,
    "tpr": true_positive_rate,
    "fpr": false_positive_rate,
    "youden_j": youden_j,
}
