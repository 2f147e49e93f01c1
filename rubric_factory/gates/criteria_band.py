"""criteria_band: a rubric has neither too few criteria to grade by nor so many that each means nothing."""

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.settings.gates import GateSettings


def criteria_band(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: number of criteria. Source: arXiv 2507.17746 (7-20 items), arXiv 2605.07396 (4-12)."""
    count = len(item.task.rubric.criteria)
    passed = settings.min_criteria <= count <= settings.max_criteria
    return GateFinding(passed, count, f"{count} criteria, allowed {settings.min_criteria}..{settings.max_criteria}")
