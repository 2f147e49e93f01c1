"""Signed weights over all weight, arXiv 2605.12474.

R = [sum_{w>0} w g + sum_{w<0} |w| (1 - g)] / sum |w|. Range [0, 1]: a bad thing that is absent earns, where the canonical reward only
takes for one that is there.
"""

import math

from rubric_factory.reward.grades import Grades


def signed(grades: Grades) -> float:
    """See the module."""
    sizes = [abs(w) for w in grades.weights]
    return math.fsum(size * good for size, good in zip(sizes, grades.goodness, strict=True)) / math.fsum(sizes)
