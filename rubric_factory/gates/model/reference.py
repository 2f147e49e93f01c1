"""judge_reference: a rubric that its own reference answer does not satisfy asks for something else than the question."""

from rubric_factory.gates.model.protocol import Scores, score
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings


def reference(scores: Scores, settings: JudgeGateSettings) -> GateFinding:
    """figure: score of the task's own reference answer, at least min_reference."""
    found = score(scores, "reference")
    return GateFinding(found >= settings.min_reference, found, f"the reference answer earns {found:.2f}")
