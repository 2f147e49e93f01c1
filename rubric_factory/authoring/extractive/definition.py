"""Definitions: 'S is a/the X', 'S refers to X', 'S stands for X', 'S is called X'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import lowered
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.lexicon import BE
from rubric_factory.authoring.extractive.sentences import Sentence
from rubric_factory.authoring.extractive.verbs import MEANING_VERBS, third_person

_COMPLEMENT = re.compile(r"(?:an?|the|one of the|any|either an?|both an?|part of|to)\s", re.IGNORECASE)
_HOLLOW = re.compile(
    r"(?:the|an?|one of the) (?:same|case|only|reason|good|bad|great|best|result|results|bit|little|few|first|second|third|one|ones|way|"
    r"more|most|very|lot|similar|common|key|main|major|real|matter|job|task|problem|nice|simple|right|wrong|last|next|other)\b",
    re.IGNORECASE,
)
_CONDITIONAL = re.compile(r" if (?:its?|they)\b")  # says when the subject is one, not what it is
_NAMED = re.compile(r"(called|known as|defined as|referred to as|named(?! after\b)|termed)\s+", re.IGNORECASE)
_HOW_NAMED = {"called": "what {be} {subject} called", "named": "what {be} {subject} named", "termed": "what {be} {subject} termed"}


def definition(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask what the subject is or means."""
    clause = main_clause(sentence)
    if clause is None or clause.negated:
        return
    subject, (start, end) = lowered(clause.subject, context), rest_span(clause, sentence)
    named = _NAMED.match(clause.rest)
    if clause.auxiliary in BE and named:
        how = _HOW_NAMED.get(
            named.group(1).lower(), f"how {{be}} {{subject}} {named.group(1).lower().removesuffix(' as').removesuffix(' to')}"
        )
        if not named.group(1).lower().startswith(("known", "referred")):
            body = how.format(be=clause.auxiliary, subject=subject)
            yield Draft("definition", body, f"how {subject} {clause.auxiliary} named or defined", sentence, (start + named.end(), end))
    elif (
        clause.auxiliary in BE
        and _COMPLEMENT.match(clause.rest)
        and not _HOLLOW.match(clause.rest)
        and not _CONDITIONAL.search(clause.rest)
    ):
        yield Draft("definition", f"what {clause.auxiliary} {subject}", f"what {subject} {clause.auxiliary}", sentence, (start, end))
    elif clause.verb in MEANING_VERBS | {"refer", "stand", "correspond"} and not clause.auxiliary:
        match = re.match(r"(to|for)\s", clause.rest)
        if (clause.verb in MEANING_VERBS) == (match is None):
            particle = f" {match.group(1)}" if match else ""
            helper = "do" if clause.many else "does"
            role = f"what {subject} {clause.verb if clause.many else third_person(clause.verb)}{particle}"
            start += match.end() if match else 0
            yield Draft("definition", f"what {helper} {subject} {clause.verb}{particle}", role, sentence, (start, end))
