"""Bootstrap intervals over clusters (documents, seeds): percentile method, seeded, so that a figure can be recomputed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean of n values with its 95 % interval, in the unit of the values."""

    mean: float
    low: float
    high: float
    n: int


def cluster_bootstrap(values: Sequence[float], clusters: Sequence[str], *, seed: int, repeats: int = 2000, level: float = 0.95) -> Interval:
    """Percentile bootstrap of the plain mean, resampling whole clusters with replacement.

    values, clusters: length n. Each draw takes as many clusters as there are, and weighs every value alike. One cluster: the interval
    is the mean itself. Errors: ValueError when empty or of unequal length. Source: Field and Welsh 2007, cluster bootstrap.
    """
    if not values or len(values) != len(clusters):
        raise ValueError(f"got {len(values)} values and {len(clusters)} clusters, expected as many of each, and at least one")
    names = sorted(set(clusters))
    index = {name: position for position, name in enumerate(names)}
    sums, counts = np.zeros(len(names)), np.zeros(len(names))
    for value, cluster in zip(values, clusters, strict=True):
        sums[index[cluster]] += value
        counts[index[cluster]] += 1
    draws = np.random.default_rng(seed).integers(0, len(names), size=(repeats, len(names)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(np.mean(np.asarray(values, dtype=float))), float(low), float(high), len(values))
