"""Purposes: 'To V O, M', 'In order to V O, M', 'X can be used to V O'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import lowered
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.lexicon import word_set
from rubric_factory.authoring.extractive.sentences import Sentence
from rubric_factory.authoring.extractive.verbs import VERBS

_LEADING = re.compile(
    r"(?:To|In order to) ([a-z]+ [^,]+?)(?:, | (?=you (?:will need|need|have|must|can|should|may)\b|one (?:must|can|should|has)\b))"
)
_USED = re.compile(r"be used (to|for)\s")
_OTHER_VERBS = word_set("see know make find fix solve keep help be access build install debug configure customize draw submit obtain")


def purpose(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask how an end is reached, or what a means is for."""
    leading = _LEADING.match(sentence.text)
    if leading:
        if leading.group(1).split()[0] in VERBS | _OTHER_VERBS:
            yield Draft(
                "purpose",
                f"how can one {leading.group(1)}",
                f"how one can {leading.group(1)}",
                sentence,
                (leading.end(), len(sentence.text) - 1),
            )
        return
    clause = main_clause(sentence)
    used = _USED.match(clause.rest) if clause and clause.auxiliary in ("can", "may", "could", "should") else None
    if clause and used and not clause.negated:
        start, end = rest_span(clause, sentence)
        subject = lowered(clause.subject, context)
        role = f"what {subject} {clause.auxiliary} be used for"
        yield Draft("purpose", f"what {clause.auxiliary} {subject} be used for", role, sentence, (start + used.end(), end))
