"""A judge that is held against its lock again while it serves: weights may be swapped behind an unchanged name at any time."""

import time
from collections.abc import Callable, Sequence

from rubric_factory.errors import BlockedError
from rubric_factory.judging.lock import JudgeLock, verify_lock
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.records import Judgement

# Whichever comes first. A canary of 64 pairs then costs 3 % of the calls; rewards of at most so many answers rest on a swapped judge.
ANSWERS, SECONDS = 2_000, 900.0


class Rechecked:
    """A Judge over another one, which was just held against the lock. Not thread-safe: for the one thread of Gathered.

    Before a batch with which more than `answers` were graded since the last check, or after `seconds`, the canary is graded anew. Where it
    fails, that batch and every later one is refused: only a judge opened anew grades again.
    """

    def __init__(
        self,
        judge: Judge,
        lock: JudgeLock,
        *,
        answers: int = ANSWERS,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._judge, self._lock, self._answers, self._seconds, self._clock = judge, lock, answers, seconds, clock
        self._graded, self._checked, self._drift = 0, clock(), ""

    @property
    def identity(self) -> str:
        """That of the judge."""
        return self._judge.identity

    @property
    def evidence_grade(self) -> str:
        """That of the judge."""
        return self._judge.evidence_grade

    def grade_many(self, batch: Sequence[JudgeInput]) -> list[Judgement]:
        """As the judge does. Errors: BlockedError where it is no longer the locked one; LanguageModelError."""
        due = self._graded + len(batch) > self._answers or self._clock() - self._checked >= self._seconds
        if due and not self._drift:
            report = verify_lock(self._judge, self._lock)
            self._graded, self._checked, self._drift = 0, self._clock(), "" if report.passed else report.detail
        if self._drift:
            raise BlockedError(
                f"the judge is no longer the locked one: {self._drift}",
                expected="the locked judge",
                fix="see what is served, then start anew",
            )
        self._graded += len(batch)
        return self._judge.grade_many(batch)
