"""judge_weak: a rubric that an answer without the passage, or a quarter of the reference, nearly satisfies leaves little to learn."""

from rubric_factory.gates.model.protocol import Scores, score
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings


def weak(scores: Scores, settings: JudgeGateSettings) -> GateFinding:
    """figure: score of the weak answer, at most max_weak."""
    found = score(scores, "weak")
    return GateFinding(found <= settings.max_weak, found, f"the weak answer earns {found:.2f}")
