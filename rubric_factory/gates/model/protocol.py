"""The face of every gate that needs a judge: scores by kind of answer in, one finding out; pure."""

from collections.abc import Callable, Mapping

from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings

# In the order they are asked: one judge call each, none for a task that an earlier one refused.
KINDS = ("reference", "weak", "mismatch")
# Kind -> canonical reward, unclipped; None where the judge gave no grade; absent where it was not asked.
Scores = Mapping[str, float | None]
JudgeGate = Callable[[Scores, JudgeGateSettings], GateFinding]


def score(scores: Scores, kind: str) -> float:
    """A score that is there. Errors: ValueError where it is not: a gate is only asked when its scores are."""
    found = scores.get(kind)
    if found is None:
        raise ValueError(f"the {kind} answer has no score")
    return found
