"""Relations: 'S is suitable for X', 'S is divided into X', 'S is based on X'; the preposition stays at the end of the question."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import lowered
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.sentences import Sentence

# word + preposition whose object answers "what is S <word> <preposition>?", and the family of the question
_PAIRS = {
    "suitable for": "purpose",
    "useful for": "purpose",
    "responsible for": "function",
    "optimized for": "purpose",
    "reserved for": "purpose",
    "based on": "dependency",
    "dependent on": "dependency",
    "built on": "dependency",
    "independent of": "dependency",
    "derived from": "dependency",
    "obtained from": "means",
    "computed from": "means",
    "taken from": "means",
    "made from": "composition",
    "composed of": "composition",
    "made of": "composition",
    "made up of": "composition",
    "divided into": "composition",
    "split into": "composition",
    "converted to": "function",
    "converted into": "function",
    "mapped to": "function",
    "passed to": "function",
    "assigned to": "function",
    "applied to": "function",
    "attached to": "function",
    "added to": "function",
    "stored as": "function",
    "treated as": "function",
    "interpreted as": "definition",
    "related to": "function",
    "associated with": "function",
    "restricted to": "constraint",
    "limited to": "constraint",
    "subject to": "constraint",
    "sensitive to": "dependency",
    "relative to": "dependency",
    "proportional to": "dependency",
    "equal to": "definition",
    "followed by": "composition",
    "preceded by": "composition",
    "replaced by": "function",
    "replaced with": "function",
    "caused by": "cause",
    "capable of": "function",
    "used with": "function",
    "used as": "purpose",
    "used in": "purpose",
    "combined with": "function",
    "compared with": "comparison",
    "known as": "definition",
    "named after": "definition",
    "supported with": "function",
    "supported on": "function",
    "supported by": "function",
    "preferred to": "comparison",
    "immune to": "constraint",
    "effective at": "condition",
    "effective for": "purpose",
    "valid for": "condition",
    "present for": "purpose",
    "signed with": "function",
    "connected to": "function",
    "intended as": "purpose",
    "helpful for": "purpose",
    "ignored by": "function",
    "required by": "function",
    "provided by": "function",
    "placed in": "function",
    "available in": "function",
    "available on": "function",
    "available for": "function",
    "available as": "function",
    "identical to": "comparison",
}
PAIRS = "|".join(sorted(_PAIRS, key=len, reverse=True))  # as a pattern
_PAIR = re.compile(rf"(?:be )?({PAIRS})\s+(?!which\b|what\b|that\b)")


def relation(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask for the object of a participle or adjective with its preposition."""
    clause = main_clause(sentence)
    if clause is None or clause.negated or clause.verb:
        return
    pair = _PAIR.match(clause.rest)
    if pair is None or (clause.auxiliary in ("is", "are")) == pair.group().startswith("be "):
        return
    subject, (start, end) = lowered(clause.subject, context), rest_span(clause, sentence)
    passive = "be " if pair.group().startswith("be ") else ""
    body = f"what {clause.auxiliary} {subject} {passive}{pair.group(1)}"
    role = f"what {subject} {clause.auxiliary} {passive}{pair.group(1)}"
    yield Draft(_PAIRS[pair.group(1)], body, role, sentence, (start + pair.end(), end))
