"""What a pattern family makes of a sentence: a question body and where in the sentence its answer stands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rubric_factory.authoring.extractive.clauses import Clause, sound_subject, split_clause
from rubric_factory.authoring.extractive.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Draft:
    """body: the question without topic, capital and mark; role: what the answer gives; answer: its span in sentence.text."""

    family: str
    body: str
    role: str
    sentence: Sentence
    answer: tuple[int, int]


# (sentence, passage text) -> drafts, best first. The passage text only decides on capitals.
Family = Callable[[Sentence, str], Iterator[Draft]]


def main_clause(sentence: Sentence) -> Clause | None:
    """The sentence's main clause where its subject can stand in a question."""
    clause = split_clause(sentence.text)
    return clause if clause and sound_subject(clause.subject) else None


def rest_span(clause: Clause, sentence: Sentence) -> tuple[int, int]:
    """Span of the clause's rest up to the full stop."""
    return clause.rest_start, len(sentence.text.rstrip("."))
