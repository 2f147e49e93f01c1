"""Bootstrap intervals over clusters (documents, seeds): percentile method, seeded, so that a figure can be recomputed."""

import math
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


def crossed_bootstrap(
    values: Sequence[float], documents: Sequence[str], seeds: Sequence[int], *, seed: int, repeats: int = 2000, level: float = 0.95
) -> Interval:
    """Percentile bootstrap of the plain mean over two crossed factors: documents and training seeds, each resampled with replacement.

    values, documents, seeds: length n; a value counts as often as its document and its seed were drawn, multiplied. With one seed this is
    `cluster_bootstrap` over documents. Errors: ValueError when empty or of unequal length. Source: Owen 2007, "The pigeonhole bootstrap".
    """
    if not values or not len(values) == len(documents) == len(seeds):
        raise ValueError(
            f"got {len(values)} values, {len(documents)} documents, {len(seeds)} seeds, expected as many of each, at least one"
        )
    rows = {name: i for i, name in enumerate(sorted(set(documents)))}
    columns = {name: i for i, name in enumerate(sorted(set(seeds)))}
    sums, counts = np.zeros((len(rows), len(columns))), np.zeros((len(rows), len(columns)))
    for value, document, column in zip(values, documents, seeds, strict=True):
        sums[rows[document], columns[column]] += value
        counts[rows[document], columns[column]] += 1
    generator = np.random.default_rng(seed)
    left = generator.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=repeats)
    right = generator.multinomial(len(columns), np.full(len(columns), 1 / len(columns)), size=repeats)
    totals = np.einsum("rd,ds,rs->r", left, sums, right)
    weights = np.einsum("rd,ds,rs->r", left, counts, right)
    means = totals[weights > 0] / weights[weights > 0]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(np.mean(np.asarray(values, dtype=float))), float(low), float(high), len(values))


def wilson(successes: int, n: int) -> Interval:
    """Share of successes with its 95 % score interval: honest for few trials, where a bootstrap of one value has no width.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n), z = 1.96. Errors: ValueError unless 0 <= successes <= n, n >= 1.
    Source: Wilson 1927.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} of {n} is no share")
    z, p = 1.959963984540054, successes / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    return Interval(p, max(0.0, low), min(1.0, high), n)


def ratio_bootstrap(
    parts: Sequence[float], wholes: Sequence[float], clusters: Sequence[str], *, seed: int, repeats: int = 2000, level: float = 0.95
) -> Interval | None:
    """Percentile bootstrap of sum(parts) / sum(wholes), resampling whole clusters with replacement; None where sum(wholes) is 0.

    parts, wholes (>= 0), clusters: length n. A draw whose wholes sum to 0 has no ratio and is left out. Errors: ValueError on unequal
    lengths. Source: as cluster_bootstrap.
    """
    if not len(parts) == len(wholes) == len(clusters):
        raise ValueError(f"got {len(parts)} parts, {len(wholes)} wholes, {len(clusters)} clusters, expected as many of each")
    if not sum(wholes) > 0:
        return None
    index = {name: position for position, name in enumerate(sorted(set(clusters)))}
    above, below = np.zeros(len(index)), np.zeros(len(index))
    for part, whole, cluster in zip(parts, wholes, clusters, strict=True):
        above[index[cluster]] += part
        below[index[cluster]] += whole
    draws = np.random.default_rng(seed).integers(0, len(index), size=(repeats, len(index)))
    tops, bottoms = above[draws].sum(axis=1), below[draws].sum(axis=1)
    ratios = tops[bottoms > 0] / bottoms[bottoms > 0]
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(above.sum() / below.sum()), float(low), float(high), len(parts))
