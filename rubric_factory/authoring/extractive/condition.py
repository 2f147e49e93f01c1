"""Conditions: 'If C, M' asks for M; 'M if C' asks for C."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import inverted, lowered, sound_subject, split_clause, supposed
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.lexicon import PREPOSITIONS, bare, word_set
from rubric_factory.authoring.extractive.sentences import Sentence
from rubric_factory.authoring.extractive.verbs import IMPERATIVES, VERBS

_LEADING = re.compile(r"(If|When|Whenever|Unless|Once) ([^,]+?)(?:, (?:then )?| then )", re.IGNORECASE)
_TRAILING = re.compile(
    r",? (only if|only when|if and only if|if|when|unless|as soon as|as long as|provided that|whenever)\s+", re.IGNORECASE
)
_ASKED = "under what condition"
_DANGLING = word_set("case cases situations only even especially and or as than but")
_ADVICE = re.compile(r"(?:you|users|one|authors) (?:should|must|can|may|need|could|have)\b", re.IGNORECASE)


def condition(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts over a condition and what hangs on it."""
    leading = _LEADING.match(sentence.text)
    if leading:
        yield from _consequence(sentence, context, leading)
    else:
        yield from _circumstance(sentence, context)


def _consequence(sentence: Sentence, context: str, leading: re.Match[str]) -> Iterator[Draft]:
    text = leading.group(2)
    clause = split_clause(text + " .")
    addressed = re.match(r"you (?:\w+)", text)
    if not addressed and (clause is None or not sound_subject(clause.subject)):
        return
    main = sentence.text[leading.end() :]
    first = bare(main.split()[0])
    if first in ("and", "or", "but", "which"):
        return
    advice = first in IMPERATIVES or _ADVICE.match(main)
    asked = "what should be done" if advice else "what happens"
    connective = leading.group(1).lower()
    body = f"{asked} {connective} {lowered(text, context)}"
    span = (leading.end(), len(sentence.text) - 1)
    yield Draft("condition", body, body, sentence, span)
    if clause and not addressed and (clause.verb or clause.auxiliary in ("is", "are")):
        yield Draft("condition", f"{asked} {connective} {supposed(clause, context).rstrip(' .')}", body, sentence, span)


def _circumstance(sentence: Sentence, context: str) -> Iterator[Draft]:
    clause = main_clause(sentence)
    if clause is None:
        return
    trailing = _TRAILING.search(clause.rest)
    if trailing is None or trailing.start() == 0 or (trailing.group(1) == "unless" and clause.negated):
        return
    asked = "when" if trailing.group(1).lower() in ("when", "whenever", "as soon as", "only when") else _ASKED
    if trailing.group(1) == "unless":
        return
    kept = clause.rest[: trailing.start()]
    last = kept.split()[-1]
    if "," in kept or last in _DANGLING | VERBS | PREPOSITIONS or last.endswith("ing"):
        return
    start, end = rest_span(clause, sentence)
    role = f"the condition for {lowered(clause.subject, context)}"
    yield Draft("condition", f"{asked} {inverted(clause, context, kept)}", role, sentence, (start + trailing.start(1), end))
