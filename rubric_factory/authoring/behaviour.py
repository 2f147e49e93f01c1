"""The behaviour author: the extractive author's questions with a rubric that asks for behaviour, not recall.

The positive control of the trainer (docs/experiments.md): how to answer transfers to documents that were never read, what to answer does
not. Each criterion is bound to one pure check of judging/rules.py by its `rule:NAME` cue; none has evidence, because none is about facts.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from rubric_factory.authoring.extractive import ExtractiveAuthor
from rubric_factory.authoring.protocol import Authored
from rubric_factory.judging.rules import CUE, EITHER, SUBJECT
from rubric_factory.records import Category, Criterion, Level, Passage, Rejection, Rubric, Task
from rubric_factory.settings.author import Behaviour, Extractive
from rubric_factory.text import words

IDENTITY = "behaviour@1"
MIN_SUBJECT_LETTERS, MAX_SUBJECTS = 4, 4
COMMON = frozenset(
    {
        "also",
        "been",
        "does",
        "each",
        "have",
        "into",
        "must",
        "only",
        "over",
        "should",
        "some",
        "such",
        "than",
        "that",
        "their",
        "them",
        "then",
        "they",
        "this",
        "used",
        "using",
        "what",
        "when",
        "where",
        "which",
        "will",
        "with",
        "would",
    }
)
_CONTEXT = re.compile(r"^In the context of .*?, (?=(?:what|when|how|why|which|where|under|for|if|who)\b)", re.IGNORECASE)

# (rule, title, description, category, weight, meaning of level 0, meaning of level 1). What is good must be said of the subject, so that
# a constant answer earns nothing; what is bad costs whatever the answer is about, so that a policy that knows nothing can still learn.
_CRITERIA = (
    (
        "names_subject",
        "Names its subject",
        "A statement names the subject.",
        Category.ESSENTIAL,
        4,
        "Speaks of something else.",
        "Names it.",
    ),
    (
        "complete_sentence",
        "Complete sentence",
        "Holds a sentence with a verb.",
        Category.IMPORTANT,
        3,
        "Only fragments.",
        "A whole sentence.",
    ),
    ("gives_reason_or_quantity", "Reason or quantity", "Gives a reason.", Category.OPTIONAL, 2, "A bare claim.", "Gives one."),
    ("breaks_off", "Breaks off", "Stops in the middle of a sentence.", Category.PITFALL, -2, "Ends with a full stop.", "Breaks off."),
    (
        "repeats_itself",
        "Repeats itself",
        "Says the same words twice.",
        Category.PITFALL,
        -2,
        "Every run of words is new.",
        "Repeats itself.",
    ),
    (
        "misses_length",
        "Unfitting length",
        "Is too short or too long.",
        Category.PITFALL,
        -2,
        "From 8 to 40 words.",
        "Too short or too long.",
    ),
)


class BehaviourAuthor:
    """Questions of the extractive author, criteria of conduct. Demo grade: a control, never a product."""

    def __init__(self, settings: Behaviour, system_message: str) -> None:
        asking = Extractive(tasks_per_passage=settings.tasks_per_passage, answer_stem=settings.answer_stem)
        self._questions = ExtractiveAuthor(asking, system_message)

    @property
    def identity(self) -> str:
        """'behaviour@1 <questions by>'."""
        return f"{IDENTITY} {self._questions.identity}"

    @property
    def evidence_grade(self) -> str:
        """Always 'demo'."""
        return "demo"

    def write(self, passages: Iterable[tuple[Passage, str]]) -> Iterator[Authored]:
        """One Authored per (passage, document title), in the order given."""
        for authored in self._questions.write(passages):
            tasks = tuple(made for task in authored.tasks if (made := self._with_behaviour(task)))
            refused = authored.rejections
            if authored.tasks and not tasks:
                refused = (*refused, Rejection(authored.passage_id, "author", "no_subject", "question and reference share no subject"))
            yield replace(authored, tasks=tasks, rejections=refused)

    def _with_behaviour(self, task: Task) -> Task | None:
        subjects = shared_subjects(task.question, task.reference_answer)
        if not subjects:
            return None
        criteria = tuple(
            Criterion(
                criterion_key=f"{task.task_key}/{rank}",
                title=title,
                description=description,
                category=category,
                weight=weight,
                required_elements=(),
                scoring_guide=(Level(0, unmet), Level(1, met)),
                verification_cues=(f"{CUE}{rule}", *((f"{SUBJECT}{EITHER.join(subjects)}",) if weight > 0 else ())),
                evidence=(),
            )
            for rank, (rule, title, description, category, weight, unmet, met) in enumerate(_CRITERIA)
        )
        return replace(task, rubric=Rubric(criteria), author=self.identity)


def shared_subjects(question: str, reference: str) -> tuple[str, ...]:
    """Words that name what is asked about, either of which will do: of the question (without its context) and of the reference.

    The MAX_SUBJECTS longest, the first of equals, of MIN_SUBJECT_LETTERS letters or more. () where there is none.
    """
    said = set(words(reference))
    found = dict.fromkeys(w for w in words(_CONTEXT.sub("", question)) if len(w) >= MIN_SUBJECT_LETTERS and w in said and w not in COMMON)
    return tuple(sorted(found, key=len, reverse=True)[:MAX_SUBJECTS])
