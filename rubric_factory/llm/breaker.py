"""Stopping in time: where hardly any answer of a model is of use, asking on only costs money."""

from collections import deque

from rubric_factory.errors import LanguageModelError
from rubric_factory.text import printable

# Later than at the start, a command ends when more than this share of so many answers was of no use.
WINDOW, SHARE = 100, 0.95


class Breaker:
    """Counts answers as they come. stop_after: unusable ones in a row that end the command where none was usable before."""

    def __init__(self, model: str, stop_after: int) -> None:
        self._model, self._stop_after = model, stop_after
        self._faults: deque[str] = deque(maxlen=WINDOW)
        self._usable = self._answers = 0

    @property
    def worked(self) -> bool:
        """Whether any answer was of use."""
        return self._usable > 0

    def count(self, fault: str) -> None:
        """Take one answer: '' where it is of use, else why not. Errors: LanguageModelError where asking on makes no sense."""
        self._faults.append(fault)
        self._answers += 1
        self._usable += not fault
        faults = [each for each in self._faults if each]
        if not self.worked and self._answers >= self._stop_after:
            raise self._stopped(f"none of the first {self._answers} answers of {self._model} is of use", fault)
        if fault and len(self._faults) == WINDOW and len(faults) > SHARE * WINDOW:
            raise self._stopped(f"{len(faults)} of the last {WINDOW} answers of {self._model} are of no use", fault)

    def _stopped(self, what: str, fault: str) -> LanguageModelError:
        return LanguageModelError(
            f"{what}; the last one: {printable(fault)}",
            expected="usable answers",
            fix="mend what it names, then run again: what was answered is kept",
        )
