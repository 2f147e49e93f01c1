"""judge_mismatch: a rubric that the answer to another document's question satisfies grades style, not substance."""

from rubric_factory.gates.model.protocol import Scores, score
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings


def mismatch(scores: Scores, settings: JudgeGateSettings) -> GateFinding:
    """figure: score of the reference answer of another document's task, of the same genre where there is one; at most max_mismatch."""
    found = score(scores, "mismatch")
    return GateFinding(found <= settings.max_mismatch, found, f"another document's reference answer earns {found:.2f}")
