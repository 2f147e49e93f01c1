"""Soft minimum over criteria by LogSumExp: a wrong step is not made up for by later right ones (SCPRM, arXiv 2605.02819, prose only).

r = -(1/a) log sum_k p_k exp(-a h_k), p_k = |w_k| / sum |w|, h_k = g_k, or 1 - g_k where w_k < 0, a = SHARPNESS. The form is RVPO's
(arXiv 2605.05750) with weights, over levels instead of z-scores. a -> 0 is `signed`, a -> infinity the minimum. Range [0, 1].
"""

import math

from rubric_factory.reward.grades import Grades

SHARPNESS = 5.0


def soft_min(grades: Grades) -> float:
    """See the module."""
    total = math.fsum(abs(w) for w in grades.weights)
    terms = math.fsum(abs(w) / total * math.exp(-SHARPNESS * good) for w, good in zip(grades.weights, grades.goodness, strict=True))
    return min(1.0, max(0.0, -math.log(terms) / SHARPNESS))
