"""judge_spread: a task on which every answer of the solver earns the same gives a policy nothing to prefer.

After DAPO (arXiv 2503.14476: groups without variance are dropped) and POP (arXiv 2604.20051: near-zero deviation is dropped).
"""

from rubric_factory.gates.model.protocol import Scores, sampled
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings


def spread_of(scores: Scores) -> float | None:
    """Best above worst of the solver's answers; None with fewer than two scores."""
    found = sampled(scores)
    return max(found) - min(found) if len(found) > 1 else None


def spread(scores: Scores, settings: JudgeGateSettings) -> GateFinding:
    """figure: best above worst of the solver's answers, at least min_spread. While answers are still to come it refuses nothing."""
    found, asked = spread_of(scores) or 0.0, len(sampled(scores))
    wanted = asked if settings.solver is None else settings.solver.samples
    return GateFinding(asked < wanted or found >= settings.min_spread, found, f"{asked} sampled answers lie {found:.2f} apart")
