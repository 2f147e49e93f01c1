"""Means, places and ends of a passive: 'S is computed by X', 'S can be stored in X', 'S is used for X'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import lowered
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.sentences import Sentence

_END = re.compile(r"(?P<done>used|intended|designed|meant|needed|required) (?P<how>to|for)\s")
_MANNER = re.compile(
    r"(?P<done>(?:[a-z]+(?:ed|en|wn|lt|nt|ut|ne)|set|typeset|read)(?: (?!by|using|via)[\w-]+){0,4}?) "
    r"(?P<how>(?:only |either )?(?:by (?!default|the same|hand\b)|using |with the help of |by means of |via |through ))"
)
_PLACE = re.compile(
    r"(?P<done>stored|located|defined|placed|installed|implemented|found|kept|written|set|saved|put|printed|declared|collected) "
    r"(?P<how>in|on|at|under|to|inside)\s"
)
_LED = re.compile(r"(?:[a-z]+ly |best )(?=[a-z]+(?:ed|en|wn|lt|nt|ut|ne|et|ad)\b)")


def means(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask how, where or for what something is done."""
    clause = main_clause(sentence)
    if clause is None or clause.negated or clause.verb or clause.auxiliary == "cannot":
        return
    be = clause.auxiliary in ("is", "are")
    past = clause.auxiliary in ("was", "were")
    passive = "be " if clause.rest.startswith("be ") else ""
    if not (be or past or passive):
        return
    subject, (start, end) = lowered(clause.subject, context), rest_span(clause, sentence)
    led = _LED.match(clause.rest[len(passive) :])
    start += len(passive) + (led.end() if led else 0)
    rest = sentence.text[start:end]
    for pattern, asked, tail, family in ((_END, "what", " for", "purpose"), (_MANNER, "how", "", "means"), (_PLACE, "where", "", "means")):
        found = pattern.match(rest)
        if found and found["done"] == "used" and pattern is _MANNER:  # "used by X" names a user, not a manner
            continue
        if found and (be or passive or pattern is _END):
            body = f"{asked} {clause.auxiliary} {subject} {passive}{found['done']}{tail}"
            role = f"{asked} {subject} {clause.auxiliary} {passive}{found['done']}{tail}"
            begun = found.end() if pattern is _END else found.start("how")
            yield Draft(family, body, role, sentence, (start + begun, end))
            return
