"""Which passages of a document are asked about: the best ones, spread over the document, no two of them alike."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from rubric_factory.passages.lsh import PERMUTATIONS, Signatures

# What a passage's score loses by full likeness to one that is chosen already: templates fill a reference manual with look-alikes.
LIKENESS = 0.5


def best_spread(scores: Sequence[float], limit: int, known: Signatures | None = None) -> list[int]:
    """Positions of at most `limit` passages, ascending: the passages, in document order, are cut into `limit` stretches of equal number
    (to one), and each gives its best; the earlier of equals. All of them, if they are no more than limit.

    known: signatures of the passages; with them a passage counts the less, the more it is like one of an earlier stretch that was chosen.
    """
    count = len(scores)
    if count <= limit:
        return list(range(count))
    edges = [stretch * count // limit for stretch in range(limit + 1)]
    likeness = np.zeros(count)
    chosen: list[int] = []
    for start, stop in pairwise(edges):
        worth = [scores[at] * (1 - LIKENESS * float(likeness[at])) for at in range(start, stop)]
        best = start + max(range(stop - start), key=lambda at: (worth[at], -at))
        chosen.append(best)
        if known is not None:
            likeness[stop:] = np.maximum(likeness[stop:], np.count_nonzero(known[stop:] == known[best], axis=1) / PERMUTATIONS)
    return chosen
