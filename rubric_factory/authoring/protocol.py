"""The face every author shows: passages in, tasks or refusals out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rubric_factory.records import Passage, Rejection, Task


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
