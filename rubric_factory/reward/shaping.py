"""Targeted shaping: the high-score region is stretched. Source of the idea: Rubicon, arXiv 2508.12790, prose only; formula ours.

x = sum_{w>0} w g / W; r = (exp(a x) - 1) / (exp(a) - 1) - penalty, a = RATE: the upper half of the credit carries
1 - f(1/2) = 0.73 of the reward, so that good answers are told apart. Range: that of the canonical reward.
"""

import math

from rubric_factory.reward.grades import Grades

RATE = 2.0


def targeted_shaping(grades: Grades) -> float:
    """See the module."""
    credit = math.fsum(w * g for w, g in zip(grades.weights, grades.shares, strict=True) if w > 0) / grades.positive
    return math.expm1(RATE * credit) / math.expm1(RATE) - grades.penalty
