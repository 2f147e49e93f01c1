"""Causes: 'M because C', 'Because C, M', 'M due to N', 'M so that P'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import inverted, sound_subject, split_clause
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.sentences import Sentence

_TRAILING = re.compile(r"(,?) (because of|because|since|due to|as a result of|owing to|so that|in order to)\s+", re.IGNORECASE)
_LEADING = re.compile(r"(Because|Since|As) ([^,]+), ")
_STATE = re.compile(r"(?:be )?(?!for\b|in\b|on\b|at\b|to\b|of\b|from\b|with\b|by\b|due\b|only\b|not\b)\w{3,}")
_TEMPORAL = re.compile(r"(?:version |release |v)?\d|the (?:first|last|introduction|release|beginning|start)|then\b", re.IGNORECASE)


def cause(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask why."""
    leading = _LEADING.match(sentence.text)
    if leading:
        clause = split_clause(sentence.text[leading.end() :])
        reason = split_clause(leading.group(2) + " .")
        if clause and reason and sound_subject(clause.subject) and "," not in clause.rest:
            yield Draft("cause", f"why {inverted(clause, context)}", "the reason", sentence, (leading.start(2), leading.end(2)))
        return
    clause = main_clause(sentence)
    if clause is None:
        return
    trailing = _TRAILING.search(clause.rest)
    if trailing is None or trailing.start() == 0:
        return
    kept, word = clause.rest[: trailing.start()], trailing.group(2).lower()
    if "," in kept or (word == "since" and (not trailing.group(1) or _TEMPORAL.match(clause.rest[trailing.end() :]))):
        return
    if kept.split()[-1].lower() in ("is", "be", "not", "only", "and", "or", "but", "mainly", "partly", "probably", "also"):
        kept = kept.rsplit(" ", 1)[0]
    start, end = rest_span(clause, sentence)
    if (not clause.verb and not _STATE.match(kept)) or re.search(r"\b(?:is|are|was|were)\b", kept):
        return
    purpose = word in ("so that", "in order to")
    role = "the purpose" if purpose else "the reason"
    asked = "for what purpose" if purpose else "why"
    yield Draft(
        "cause" if not purpose else "purpose", f"{asked} {inverted(clause, context, kept)}", role, sentence, (start + trailing.end(), end)
    )
