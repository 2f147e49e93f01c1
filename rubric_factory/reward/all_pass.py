"""Everything or nothing: 1 when every positive criterion has full credit and no bad thing is there at all, else 0. Range {0, 1}."""

from rubric_factory.reward.grades import Grades


def all_pass(grades: Grades) -> float:
    """See the module."""
    return float(all(good == 1.0 for good in grades.goodness))
