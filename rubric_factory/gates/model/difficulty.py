"""judge_difficulty: a task that the solver never or always solves teaches little; kept is a central band (DAPO, arXiv 2503.14476)."""

from math import fsum

from rubric_factory.gates.model.protocol import Scores, sampled
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.reward import clipped
from rubric_factory.settings.gates import JudgeGateSettings


def solved(scores: Scores) -> float | None:
    """Mean score of the solver's answers, each clipped to [0, 1]; None without one."""
    found = [clipped(one) for one in sampled(scores)]
    return fsum(found) / len(found) if found else None


def difficulty_of(scores: Scores) -> float | None:
    """1 - mean score of the solver's answers: 0 is solved, 1 is hopeless. None without one."""
    found = solved(scores)
    return None if found is None else 1 - found


def difficulty(scores: Scores, settings: JudgeGateSettings) -> GateFinding:
    """figure: mean score of the solver's answers so far, within central_band.

    While answers are still to come it refuses as soon as no scores of theirs could bring the mean back into the band.
    """
    found = [clipped(one) for one in sampled(scores)]
    wanted = len(found) if settings.solver is None else settings.solver.samples
    least, most = settings.central_band
    lowest, open_ = fsum(found) / wanted, (wanted - len(found)) / wanted
    mean = fsum(found) / len(found)
    within = lowest <= most and lowest + open_ >= least
    return GateFinding(within, mean, f"{len(found)} sampled answers earn {mean:.2f} on average")
