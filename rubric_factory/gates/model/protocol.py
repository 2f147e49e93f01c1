"""The face of every gate that needs a judge: scores by kind of answer in, one finding out; pure."""

from collections.abc import Callable, Mapping

from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings

# Answers of known worth, in the order they are asked, the most refusing first: one judge call each, none for a task that is refused.
KNOWN = ("reference", "weak", "mismatch")
# A solver's answers, `sample/1` and so on. They come last: each takes a call of the solver's, too.
SAMPLE = "sample"
# Kind -> canonical reward, unclipped; None where the judge gave no grade; absent where it was not asked.
Scores = Mapping[str, float | None]
JudgeGate = Callable[[Scores, JudgeGateSettings], GateFinding]


def group(kind: str) -> str:
    """What an answer of this kind is: 'sample' for every one of the solver's, else the kind."""
    return kind.partition("/")[0]


def kinds(settings: JudgeGateSettings) -> tuple[str, ...]:
    """Every kind of answer that a task may be tried with, in order: as many judge calls it costs at most."""
    samples = 0 if settings.solver is None else settings.solver.samples
    return (*KNOWN, *(f"{SAMPLE}/{number}" for number in range(1, samples + 1)))


def score(scores: Scores, kind: str) -> float:
    """A score that is there. Errors: ValueError where it is not: a gate is only asked when its scores are."""
    found = scores.get(kind)
    if found is None:
        raise ValueError(f"the {kind} answer has no score")
    return found


def sampled(scores: Scores) -> list[float]:
    """Scores of the solver's answers that have one, in the order they were asked."""
    return [found for kind, found in scores.items() if found is not None and group(kind) == SAMPLE]
