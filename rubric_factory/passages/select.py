"""Which passages of a document are asked about: the best ones, spread over the document."""

from collections.abc import Sequence
from itertools import pairwise


def best_spread(scores: Sequence[float], limit: int) -> list[int]:
    """Positions of at most `limit` passages, ascending: the passages, in document order, are cut into `limit` stretches of equal number
    (to one), and each gives its best; the earlier of equals. All of them, if they are no more than limit.
    """
    count = len(scores)
    if count <= limit:
        return list(range(count))
    edges = [stretch * count // limit for stretch in range(limit + 1)]
    return [max(range(start, stop), key=lambda at: (scores[at], -at)) for start, stop in pairwise(edges)]
