"""Synergy between pairs of criteria. Source of the idea: Rubicon, arXiv 2508.12790, prose only; formula ours.

r = (1 - a) sum_k w_k g_k / W + a sum_{i<j} w_i w_j g_i g_j / sum_{i<j} w_i w_j - penalty, over the K+ positive criteria, a = STRENGTH:
credit on one criterion is worth more where the others have theirs. With one positive criterion: the canonical reward.
Range: that of the canonical reward. Pairs by (sum x)^2 = sum x^2 + 2 sum_{i<j}: time K, not K^2.
"""

import math

from rubric_factory.reward.canonical import canonical
from rubric_factory.reward.grades import Grades

STRENGTH = 0.5


def _pairs(values: list[float]) -> float:
    """sum_{i<j} v_i v_j."""
    return (math.fsum(values) ** 2 - math.fsum(value * value for value in values)) / 2


def pairwise_interaction(grades: Grades) -> float:
    """See the module."""
    positive = [(w, g) for w, g in zip(grades.weights, grades.shares, strict=True) if w > 0]
    if len(positive) == 1:
        return canonical(grades)
    single = math.fsum(w * g for w, g in positive) / grades.positive
    joint = max(0.0, _pairs([w * g for w, g in positive])) / _pairs([w for w, _ in positive])
    return (1 - STRENGTH) * single + STRENGTH * joint - grades.penalty
