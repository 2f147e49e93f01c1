"""All modes of grading by name, one small file each: `[judge.grading] mode`."""

from rubric_factory.judging.modes import (
    all_criteria,
    direct_likert,
    holistic,
    one_criterion,
    predefined,
    reference_likert,
    reflection,
    some_criteria,
)
from rubric_factory.judging.modes.protocol import Call, Found, Mode

__all__ = ["MODES", "Call", "Found", "Mode"]

MODES: dict[str, Mode] = {
    "all_criteria": all_criteria.MODE,
    "some_criteria": some_criteria.MODE,
    "one_criterion": one_criterion.MODE,
    "holistic": holistic.MODE,
    "direct_likert": direct_likert.MODE,
    "reference_likert": reference_likert.MODE,
    "predefined": predefined.MODE,
    "reflection": reflection.MODE,
}
