"""The one face every judge shows: answers in, verdicts out, same order, same length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rubric_factory.records import Judgement, Rubric, Task, content_id


@dataclass(frozen=True, slots=True)
class JudgeInput:
    """One answer to be graded. passage is the hidden grounding text; response is untrusted.

    draw numbers independent gradings of the same answer: a higher one is a new call, never a reply from the ledger.
    reference: the task's reference answer, which only the mode reference_likert shows to a judge.
    """

    task_id: str
    response_id: str
    question: str
    passage: str
    rubric: Rubric
    response: str
    draw: int = 0
    reference: str = ""

    @classmethod
    def of(cls, task: Task, passage: str, response: str, response_id: str = "") -> "JudgeInput":
        """An answer to a task; passage is its grounding text. response_id: id_of unless given."""
        identifier = response_id or cls.id_of(task.task_id, response)
        return cls(task.task_id, identifier, task.question, passage, task.rubric, response, reference=task.reference_answer)

    @staticmethod
    def id_of(task_id: str, response: str) -> str:
        """Content id of a response to a task: the usual response_id."""
        return content_id("response", task_id, response)


class Judge(Protocol):
    """Grades answers criterion by criterion. A judge that cannot grade returns a Judgement with its failure, never a 0."""

    @property
    def identity(self) -> str:
        """What goes into every row: 'lexical@1' or 'model@revision prompts=<hash>'."""

    @property
    def evidence_grade(self) -> str:
        """'demo' for embedded and scripted judges, 'model' for language models."""

    def grade_many(self, batch: Sequence[JudgeInput]) -> list[Judgement]:
        """One Judgement per input, in order. Errors: LanguageModelError when the backend cannot work at all."""
