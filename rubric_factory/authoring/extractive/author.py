"""The extractive author: passage in, tasks out, by pattern families over its sentences. Deterministic; needs no model."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rubric_factory.authoring.extractive.advice import advice
from rubric_factory.authoring.extractive.cause import cause
from rubric_factory.authoring.extractive.comparison import comparison
from rubric_factory.authoring.extractive.condition import condition
from rubric_factory.authoring.extractive.constraint import constraint
from rubric_factory.authoring.extractive.default import default
from rubric_factory.authoring.extractive.definition import definition
from rubric_factory.authoring.extractive.draft import Draft, Family
from rubric_factory.authoring.extractive.function import function
from rubric_factory.authoring.extractive.means import means
from rubric_factory.authoring.extractive.purpose import purpose
from rubric_factory.authoring.extractive.quantity import quantity
from rubric_factory.authoring.extractive.relation import relation
from rubric_factory.authoring.extractive.rubric import build_rubric
from rubric_factory.authoring.extractive.sentences import hostile, sentences_of, without_adjunct
from rubric_factory.authoring.extractive.stem import answer_stem
from rubric_factory.authoring.extractive.wording import SHARED_RUN, given_away, question_of, section_topic, topic_of
from rubric_factory.authoring.protocol import Authored
from rubric_factory.records import Message, Passage, Rejection, Task
from rubric_factory.settings.author import Extractive
from rubric_factory.text import longest_shared_run, words

IDENTITY = "extractive@2"
_GIVEN_AWAY = 0.6  # share of the reference's content words
# In the order of trust: of one sentence the first family that makes a sound task wins.
FAMILIES: tuple[Family, ...] = (
    quantity,
    default,
    cause,
    comparison,
    condition,
    purpose,
    advice,
    definition,
    relation,
    means,
    function,
    constraint,
)


class ExtractiveAuthor:
    """Author of plumbing grade: every question, answer and criterion is cut from one sentence of the passage."""

    def __init__(self, settings: Extractive, system_message: str) -> None:
        self._settings = settings
        self._system = (Message("system", system_message),) if system_message else ()

    @property
    def identity(self) -> str:
        """'extractive@2': raised whenever the same passage would yield other tasks."""
        return IDENTITY

    @property
    def evidence_grade(self) -> str:
        """Always 'demo'."""
        return "demo"

    def write(self, passages: Iterable[tuple[Passage, str]]) -> Iterator[Authored]:
        """One Authored per (passage, document title), in the order given."""
        for passage, title in passages:
            tasks = self._tasks(passage, title)
            refused = () if tasks else (Rejection(passage.passage_id, "author", "nothing_to_ask", _why(passage)),)
            yield Authored(passage.passage_id, tasks, refused)

    def _tasks(self, passage: Passage, title: str) -> tuple[Task, ...]:
        topic = topic_of(title) or section_topic(passage.section)
        tasks: list[Task] = []
        asked: list[frozenset[str]] = []
        for drafts in _ranked(passage.text):
            if len(tasks) == self._settings.tasks_per_passage:
                break
            task = next((t for d in drafts if (t := self._task(passage, topic, title, d, len(tasks)))), None)
            if task and not any(_same(task.question, other) for other in asked):
                tasks.append(task)
                asked.append(frozenset(words(task.question)))
        return tuple(tasks)

    def _task(self, passage: Passage, topic: str, title: str, draft: Draft, slot: int) -> Task | None:
        question = question_of(draft.body, topic, passage.text, title)
        if question is None or given_away(question, draft.sentence.text) > _GIVEN_AWAY:
            return None
        key = f"{passage.passage_key}/{slot}"
        rubric = build_rubric(draft, question, passage.text, key)
        if rubric is None:
            return None
        return Task(
            task_key=key,
            passage_id=passage.passage_id,
            document_id=passage.document_id,
            document_key=passage.document_key,
            prompt=(*self._system, Message("user", self._asked(question, passage.text))),
            question=question,
            question_type=draft.family,
            reference_answer=draft.sentence.text,
            rubric=rubric,
            author=IDENTITY,
            evidence_grade="demo",
        )

    def _asked(self, question: str, passage_text: str) -> str:
        """The user message: the question, and as its last line the answer stem, if one is configured and fits."""
        stem = answer_stem(question) if self._settings.answer_stem else ""
        asked = f"{question}\n{stem}" if stem else question
        return question if longest_shared_run(words(asked), words(passage_text)) > SHARED_RUN else asked


def _ranked(text: str) -> list[list[Draft]]:
    """Drafts per sentence, the most trusted family first within a sentence; sentences by family, then by place."""
    found = []
    for place, sentence in enumerate(sentences_of(text)):
        main, adjunct = without_adjunct(sentence)
        drafts = [(rank, _within(draft, adjunct)) for rank, family in enumerate(FAMILIES) for draft in family(main, text)]
        if drafts:
            found.append((drafts[0][0], place, [draft for _, draft in drafts]))
    return [drafts for _, _, drafts in sorted(found, key=lambda item: item[:2])]


def _within(draft: Draft, adjunct: str) -> Draft:
    """The draft asked under the sentence's leading adjunct: '... on Linux', '... in the default mode'."""
    return replace(draft, body=f"{draft.body} {adjunct}") if adjunct else draft


def _same(question: str, other: frozenset[str]) -> bool:
    """Whether two questions of a passage ask about the same words."""
    mine = frozenset(words(question))
    return len(mine & other) / len(mine | other) > 0.75


def _why(passage: Passage) -> str:
    if hostile(passage.text):
        return "text that addresses a model or a grader, and no other sentence fits a pattern"
    return f"none of {len(sentences_of(passage.text))} fit sentences states something askable"
