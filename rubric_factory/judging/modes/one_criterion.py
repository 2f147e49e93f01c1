"""One call a criterion, each judged on its own: RaR explicit, arXiv 2507.17746."""

from rubric_factory.judging.modes.criteria import PROMPTS, in_calls
from rubric_factory.judging.modes.protocol import Mode

MODE = Mode(PROMPTS, lambda item, grading: in_calls(item, 1, grading))
