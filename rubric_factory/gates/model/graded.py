"""judge_graded: a task whose known answers the judge cannot grade cannot give a reward either."""

from rubric_factory.gates.model.protocol import Scores
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings


def graded(scores: Scores, settings: JudgeGateSettings) -> GateFinding:
    """figure: answers without a grade (refused, abstained, unparseable, or never arrived)."""
    without = [kind for kind, found in scores.items() if found is None]
    return GateFinding(not without, len(without), f"no grade for: {', '.join(without)}" if without else "")
