"""`criteria_per_call` criteria a call: for long rubrics and judges that lose the thread."""

from rubric_factory.judging.modes.criteria import PROMPTS, in_calls
from rubric_factory.judging.modes.protocol import Mode

MODE = Mode(PROMPTS, lambda item, grading: in_calls(item, grading.criteria_per_call, grading))
