"""The face every author shows: passages in, tasks or refusals out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rubric_factory.records import Passage, Rejection, Task


@dataclass(frozen=True, slots=True)
class TaskNote:
    """What a language-model author did for one slot of a passage, whether or not a task came of it.

    difficulty: what the author says it wrote for (easy, medium, hard): asked for, not measured. weak_answer: written without the passage,
    '' where there is none. first_refusal: gate or reason that refused the first version, '' if none. repair_rounds: times it went back.
    """

    task_key: str
    passage_id: str
    mode: str
    difficulty: str = ""
    weak_answer: str = ""
    first_refusal: str = ""
    repair_rounds: int = 0


@dataclass(frozen=True, slots=True)
class Authored:
    """What an author made of one passage. pending: no answer yet (batch files, a transport failure): ask again next run.

    detail: why it is pending, '' where nothing went wrong.
    """

    passage_id: str
    tasks: tuple[Task, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    pending: bool = False
    detail: str = ""
    notes: tuple[TaskNote, ...] = ()


class Author(Protocol):
    """Writes tasks."""

    @property
    def identity(self) -> str:
        """What goes into every row: 'extractive@1' or 'model@revision prompts=<hash>'."""

    @property
    def evidence_grade(self) -> str:
        """'demo' for embedded backends, 'model' for language models."""

    def write(self, passages: Iterable[tuple[Passage, str]]) -> Iterator[Authored]:
        """Yield one Authored per (passage, document title), in any order."""
