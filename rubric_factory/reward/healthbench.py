"""HealthBench, arXiv 2505.08775: points of the criteria that are met over all points that can be earned.

score = sum_k w_k m_k / sum_{w>0} w_k, m_k = 1 where the criterion is met. HealthBench knows met and unmet only: met is full credit here
(of a bad thing: that it is wholly there). Range as the canonical reward's; only means are clipped to [0, 1].
"""

import math

from rubric_factory.reward.grades import Grades


def healthbench(grades: Grades) -> float:
    """See the module."""
    return math.fsum(w for w, g in zip(grades.weights, grades.shares, strict=True) if g == 1.0) / grades.positive
