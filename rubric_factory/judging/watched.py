"""A judge that counts what it is asked, and what never came back: failed probes and a silent server must not be mixed up."""

from collections.abc import Callable, Sequence

from rubric_factory.errors import LanguageModelError
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.records import JudgeFailure, Judgement

# No grade because nothing arrived: asked again in the next run. Every other failure is the judge's own answer.
MISSING = (JudgeFailure.TRANSPORT, JudgeFailure.TIMEOUT)


class Watched:
    """A Judge over another one. advance is told the number of answers after every batch."""

    def __init__(self, judge: Judge, advance: Callable[[int], None] = lambda count: None) -> None:
        self._judge, self._advance = judge, advance
        self.asked = self.missing = 0

    @property
    def identity(self) -> str:
        """That of the judge."""
        return self._judge.identity

    @property
    def evidence_grade(self) -> str:
        """That of the judge."""
        return self._judge.evidence_grade

    def grade_many(self, batch: Sequence[JudgeInput]) -> list[Judgement]:
        """As the judge does."""
        judged = self._judge.grade_many(batch)
        self.asked += len(judged)
        self.missing += sum(judgement.failure in MISSING for judgement in judged)
        self._advance(len(judged))
        return judged

    def require(self, allowed: float) -> None:
        """Errors: LanguageModelError where more than the allowed share of the answers never came back."""
        if self.missing > allowed * self.asked:
            raise LanguageModelError(
                f"{self.missing} of {self.asked} verdicts of {self.identity} have not arrived",
                expected=f"all but {allowed:.0%}",
                fix="see that the judge answers, then run again: what it answered is kept",
            )
