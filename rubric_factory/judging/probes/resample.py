"""Percentile intervals by document for figures that are not plain means: correlations, differences, Youden's J."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Row = TypeVar("Row")
REPEATS = 500


def interval_of(
    rows: Sequence[Row], clusters: Sequence[str], statistic: Callable[[Sequence[Row]], float | None], *, seed: int
) -> tuple[float, float] | None:
    """95 % interval of statistic(rows), whole clusters drawn with replacement; draws where it is undefined (None) are left out.

    None where it is undefined in every draw. Source: Field and Welsh 2007, cluster bootstrap.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row, cluster in zip(rows, clusters, strict=True):
        groups[cluster].append(row)
    names = sorted(groups)
    draws = np.random.default_rng(seed).integers(0, len(names), size=(REPEATS, len(names)))
    found = [statistic([row for index in draw for row in groups[names[index]]]) for draw in draws]
    defined = [value for value in found if value is not None]
    if not defined:
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)
