"""Quantities: 'S has three X', 'S is 10 ms', 'S takes at least 4 arguments'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import lowered
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.lexicon import NUMBER_WORDS, UNITS, plural, word_set
from rubric_factory.authoring.extractive.sentences import Sentence

_NUMBER = rf"(?:\d+(?:[.,]\d+)*|{'|'.join(sorted(NUMBER_WORDS))})"
_HEDGE = r"(?:at least|at most|exactly|only|about|up to|approximately|around|over|more than|less than|roughly|no more than)"
_COUNT = re.compile(rf"(?:of )?(?:{_HEDGE} )?{_NUMBER} ((?:[a-z-]+ ){{0,2}}?[a-z]+s)\b(?! (?:of|and|or)\b)", re.IGNORECASE)
_MEASURE = re.compile(
    rf"(?:set to |equal to |limited to |restricted to )?(?:{_HEDGE} )?{_NUMBER}\s?(?:{'|'.join(sorted(UNITS))})(?![\w])", re.IGNORECASE
)
_COUNTED = word_set("have contain consist require take need provide support return accept use define include comprise offer generate")


def quantity(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask how many or how much."""
    clause = main_clause(sentence)
    if clause is None or clause.negated:
        return
    subject, (start, end) = lowered(clause.subject, context), rest_span(clause, sentence)
    count = _COUNT.match(clause.rest)
    if clause.verb in _COUNTED and count and plural(count.group(1)) and count.group(1).split()[-1].lower() not in UNITS:
        helper = clause.auxiliary or ("do" if clause.many else "does")
        noun = count.group(1)
        particle = " of" if clause.verb == "consist" else ""
        yield Draft(
            "quantity", f"how many {noun} {helper} {subject} {clause.verb}{particle}", f"how many {noun} there are", sentence, (start, end)
        )
    elif not clause.verb and _MEASURE.match(clause.rest.removeprefix("be ")):
        if clause.auxiliary in ("is", "are"):
            yield Draft("quantity", f"what {clause.auxiliary} {subject}", f"the size of {subject}", sentence, (start, end))
        elif clause.rest.startswith("be ") and clause.auxiliary != "cannot":
            yield Draft("quantity", f"how large {clause.auxiliary} {subject} be", f"the size of {subject}", sentence, (start + 3, end))
