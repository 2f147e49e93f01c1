"""Constraints: 'S must be X', 'S cannot X', 'S should not X', 'S is required to X', 'S is only X'."""

from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import lowered
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.sentences import Sentence

_ASKED = {
    "must": "what requirement applies to {subject}",
    "should": "what is recommended for {subject}",
    "cannot": "what limitation applies to {subject}",
}
_ROLE = {"must": "the requirement on {subject}", "should": "the recommendation for {subject}", "cannot": "the limitation of {subject}"}


def constraint(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask for a requirement, a recommendation or a limit."""
    clause = main_clause(sentence)
    if clause is None:
        return
    kind = "cannot" if clause.negated and clause.auxiliary in ("can", "may", "cannot") else clause.auxiliary
    if kind in _ASKED:
        subject = lowered(clause.subject, context)
        end = rest_span(clause, sentence)[1]
        yield Draft(
            "constraint", _ASKED[kind].format(subject=subject), _ROLE[kind].format(subject=subject), sentence, (clause.verb_start, end)
        )
