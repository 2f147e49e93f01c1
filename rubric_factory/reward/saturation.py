"""Diminishing returns per dimension. Source of the idea: Rubicon, arXiv 2508.12790, prose only; formula ours.

A dimension d is a category with weight W_d > 0 and credit x_d = sum_{k in d, w>0} w_k g_k / W_d:
r = sum_d W_d f(x_d) / sum_d W_d - penalty, f(x) = (1 - exp(-a x)) / (1 - exp(-a)), a = RATE: the first half of a dimension's credit earns
f(1/2) = 0.73 of it. f(0) = 0, f(1) = 1, so the range is that of the canonical reward.
"""

import math

from rubric_factory.reward.grades import Grades

RATE = 2.0


def saturation(grades: Grades) -> float:
    """See the module."""
    weight: dict[str, float] = {}
    credit: dict[str, float] = {}
    for w, g, category in zip(grades.weights, grades.shares, grades.categories, strict=True):
        if w > 0:
            weight[category] = weight.get(category, 0.0) + w
            credit[category] = credit.get(category, 0.0) + w * g
    earned = math.fsum(weight[d] * math.expm1(-RATE * credit[d] / weight[d]) / math.expm1(-RATE) for d in weight)
    return earned / grades.positive - grades.penalty
