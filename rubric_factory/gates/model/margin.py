"""judge_margin: a rubric must tell a good answer from a poor one (after C2, arXiv 2604.13618: helpful rubrics widen this margin)."""

from rubric_factory.gates.model.protocol import Scores, score
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings


def margin(scores: Scores, settings: JudgeGateSettings) -> GateFinding:
    """figure: score of the reference above that of the weak answer, at least min_margin."""
    found = score(scores, "reference") - score(scores, "weak")
    return GateFinding(found >= settings.min_margin, found, f"the reference answer earns {found:.2f} more than the weak one")
