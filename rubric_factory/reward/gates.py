"""Rewards that one failure can hold down; ours where a paper gives prose only.

essential_gated: the canonical reward r where every positive essential criterion has full credit, else min(r, 0).
veto: r, unless a critical item fails, then min(r, 0). Critical: an essential criterion without any credit, or a pitfall that is wholly
there. Source of the idea: Rubicon, arXiv 2508.12790 ("failing a critical item nullifies the rest"); formula ours.
Range of both: that of the canonical reward. min(r, 0) and not 0: what bad things cost is not forgiven by a failure.
"""

from rubric_factory.records import Category
from rubric_factory.reward.canonical import canonical
from rubric_factory.reward.grades import Grades


def essential_gated(grades: Grades) -> float:
    """See the module."""
    essential = [g for w, g, c in zip(grades.weights, grades.shares, grades.categories, strict=True) if c is Category.ESSENTIAL and w > 0]
    reward = canonical(grades)
    return reward if all(g == 1.0 for g in essential) else min(reward, 0.0)


def veto(grades: Grades) -> float:
    """See the module."""
    critical = any(
        (w > 0 and category is Category.ESSENTIAL and g == 0.0) or (w < 0 and g == 1.0)
        for w, g, category in zip(grades.weights, grades.shares, grades.categories, strict=True)
    )
    reward = canonical(grades)
    return min(reward, 0.0) if critical else reward
