"""Figures of agreement between a judge and labels: one pure function each. The home of the coefficient library."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

from rubric_factory.judging.probes.labels import MET, Pair


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


@dataclass(frozen=True, slots=True)
class Table:
    """Pairs that judge and label call met, the judge alone, the label alone, neither: all that the figures below depend on."""

    both: int = 0
    judge_alone: int = 0
    label_alone: int = 0
    neither: int = 0

    @classmethod
    def of(cls, rows: Rows) -> "Table":
        """Counts of pairs."""
        pairs = [row.pair for row in rows]
        cells = ((True, True), (True, False), (False, True), (False, False))
        return cls(*(sum((pair.judged, pair.label) == cell for pair in pairs) for cell in cells))

    @classmethod
    def sum(cls, tables: Iterable["Table"]) -> "Table":
        """Tables taken together."""
        cells = [(t.both, t.judge_alone, t.label_alone, t.neither) for t in tables]
        return cls(*map(sum, zip(*cells, strict=True)))

    @property
    def n(self) -> int:
        """Pairs."""
        return self.both + self.judge_alone + self.label_alone + self.neither


def agreement(table: Table) -> float | None:
    """Share of pairs on which both say met or both say unmet, in [0, 1]; None without pairs."""
    return (table.both + table.neither) / table.n if table.n else None


def kappa(table: Table) -> float | None:
    """Cohen's kappa, (p_o - p_e) / (1 - p_e), in [-1, 1]; p_e: agreement by chance at both sides' own shares of met.

    None where both say the same of everything (p_e = 1), or without pairs. Source: Cohen 1960.
    """
    observed = agreement(table)
    if observed is None:
        return None
    judge, label = (table.both + table.judge_alone) / table.n, (table.both + table.label_alone) / table.n
    chance = judge * label + (1 - judge) * (1 - label)
    return None if chance == 1 else (observed - chance) / (1 - chance)


def true_positive_rate(table: Table) -> float | None:
    """TPR: of what is labelled met, the share that the judge says is met; None where nothing is."""
    met = table.both + table.label_alone
    return table.both / met if met else None


def false_positive_rate(table: Table) -> float | None:
    """FPR: of what is labelled unmet, the share that the judge says is met; None where nothing is."""
    unmet = table.judge_alone + table.neither
    return table.judge_alone / unmet if unmet else None


RATES: dict[str, Callable[[Table], float | None]] = {
    "agreement": agreement,
    "kappa": kappa,
    "tpr": true_positive_rate,
    "fpr": false_positive_rate,
}


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


ALPHAS: dict[str, Callable[[Rows], float | None]] = {"alpha": alpha, "alpha_levels": alpha_levels}
