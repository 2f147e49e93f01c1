"""The reward of this project.

r = sum_k w_k g_k / sum_{w>0} w_k, g_k = s_k / s_max,k. Source: arXiv 2605.08061 for positive weights; the signed form is ours.
Range [-sum_{w<0} |w| / sum_{w>0} w, 1]; [0, 1] with positive weights only. Unclipped.
"""

import math

from rubric_factory.reward.grades import Grades


def canonical(grades: Grades) -> float:
    """See the module."""
    return math.fsum(w * g for w, g in zip(grades.weights, grades.shares, strict=True)) / grades.positive
