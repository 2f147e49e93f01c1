"""weights: no criterion decides the reward alone, and penalties do not outweigh credit."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.records import Criterion
from rubric_factory.settings.gates import GateSettings

_ABSENCE = re.compile(
    r"^\W*(the (answer|response) )?(does not|do not|doesn't|avoids?|refrains?|never|is free of|contains no|makes no)\b", re.I
)


def is_absence_type(criterion: Criterion) -> bool:
    """Whether credit is kept by saying nothing: a pitfall, or a positive criterion met by an omission (arXiv 2605.12474)."""
    return criterion.weight < 0 or bool(_ABSENCE.match(criterion.description))


def weights(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: largest share of the positive weight that one criterion carries, in (0, 1].

    Also refused: a zero weight, and pitfalls that together weigh more than max_pitfall_share of the positive weight. The share of
    absence-type weight (of all |weight|) is reported in the detail: an empty answer keeps it. Source: arXiv 2605.12474.
    """
    criteria = item.task.rubric.criteria
    positive = item.task.rubric.positive_weight
    top = max(c.weight for c in criteria) / positive
    pitfalls = -sum(c.weight for c in criteria if c.weight < 0) / positive
    absence = sum(abs(c.weight) for c in criteria if is_absence_type(c)) / sum(abs(c.weight) for c in criteria)
    passed = all(c.weight for c in criteria) and top <= settings.max_top_share and pitfalls <= settings.max_pitfall_share
    return GateFinding(passed, top, f"top share {top:.2f}, pitfall share {pitfalls:.2f}, absence-type share {absence:.2f}")
