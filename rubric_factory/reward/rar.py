"""Rubrics as Rewards, arXiv 2507.17746.

Explicit: r = sum_k v_k c_k / sum_k v_k with the paper's category weights v (Essential 1.0, Important 0.7, Optional 0.3, Pitfall 0.9) and
c_k = 1 for full credit, of a pitfall for its full absence, else 0. Range [0, 1]. The rubric's own weights are not read.
Implicit: one rating of the whole response on a 1-10 scale, normalised as r = (rating - 1) / 9 (the scale is published, the normalisation
is ours). Range [0, 1]. It takes a rating and no verdicts, so it is no entry of the table of aggregations.
"""

import math

from rubric_factory.records import Category
from rubric_factory.reward.grades import Grades

CATEGORY_WEIGHTS = {Category.ESSENTIAL: 1.0, Category.IMPORTANT: 0.7, Category.OPTIONAL: 0.3, Category.PITFALL: 0.9}
LOWEST, HIGHEST = 1, 10


def rar_explicit(grades: Grades) -> float:
    """See the module."""
    weights = [CATEGORY_WEIGHTS[category] for category in grades.categories]
    return math.fsum(v for v, good in zip(weights, grades.goodness, strict=True) if good == 1.0) / math.fsum(weights)


def rar_implicit(rating: int, *, lowest: int = LOWEST, highest: int = HIGHEST) -> float:
    """Reward of one rating. Errors: ValueError outside lowest .. highest."""
    if not lowest <= rating <= highest:
        raise ValueError(f"a rating of {rating} is not within {lowest} .. {highest}")
    return (rating - lowest) / (highest - lowest)
