"""One call for all criteria: the cheapest way to a verdict on each, and the default."""

from rubric_factory.judging.modes.criteria import PROMPTS, in_calls
from rubric_factory.judging.modes.protocol import Mode

MODE = Mode(PROMPTS, lambda item, grading: in_calls(item, len(item.rubric.criteria), grading))
