"""Defaults: 'By default, M', 'S is ... by default'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import Clause, lowered, sound_subject, split_clause
from rubric_factory.authoring.extractive.draft import Draft
from rubric_factory.authoring.extractive.lexicon import BE
from rubric_factory.authoring.extractive.sentences import Sentence

_PARTICIPLE = re.compile(r"(?!need|indeed)[a-z]+(?:ed|en|wn|ut|et)\b")


def default(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask for the default behaviour of the subject."""
    leading = re.match(r"By default,? ", sentence.text)
    begun = leading.end() if leading else 0
    if not leading and " by default" not in sentence.text:
        return
    text = sentence.text[begun:]
    clause = split_clause(text[0].upper() + text[1:], begun)
    if clause is None or not sound_subject(clause.subject) or (not leading and "," in clause.rest):
        return
    yield Draft("default", _body(clause, context), "the default", sentence, (clause.rest_start, len(sentence.text) - 1))


def _body(clause: Clause, context: str) -> str:
    subject = lowered(clause.subject, context)
    if clause.auxiliary in BE and not _PARTICIPLE.match(clause.rest):
        return f"what {clause.auxiliary} {subject} by default"
    if clause.auxiliary in BE:
        return f"what happens to {subject} by default"
    return f"what {clause.auxiliary or ('do' if clause.many else 'does')} {subject} do by default"
