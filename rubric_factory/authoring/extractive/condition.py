"""Conditions: 'If C, M' asks for M; 'M if C' asks for C."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import inverted, lowered, sound_subject, split_clause, supposed
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.lexicon import BE, PREPOSITIONS, bare, word_set
from rubric_factory.authoring.extractive.sentences import Sentence
from rubric_factory.authoring.extractive.verbs import IMPERATIVES, VERBS

_CONNECTIVE = r"(If|When|Whenever|Unless|Once) ([^,]+?)"
# A ", then" ends a condition that goes on after its first comma: "If C, so that D, then M".
_LEADING = re.compile(
    rf"{_CONNECTIVE}(?:, (?:so|which|or|i\.e|e\.g|for example|such|that|as|because|since)\b[^;:]*?, then |, then | then |, )", re.IGNORECASE
)
_NO_MAIN = re.compile(r"(?:and|or|but|which|so|for|e\.g|i\.e|such|that|as|because|since|even|including|especially|particularly|then)\b")
_BEYOND = re.compile(
    r"(?:,\s*|\s)(?:as (?:it|this|that|the|they)|because|since|so that|so|in which case|i\.e\.|e\.g\.|for example|otherwise)\s"
)
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
    if _NO_MAIN.match(main):
        return
    advice = bare(main.split()[0]) in IMPERATIVES or _ADVICE.match(main)
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
    if clause.auxiliary in BE and re.match(r"(?:an?|the) ", kept):  # "when is X an operation ..." asks about a definition
        return
    if "," in kept or last in _DANGLING | VERBS | PREPOSITIONS or last.endswith("ing"):
        return
    start, end = rest_span(clause, sentence)
    beyond = _BEYOND.search(sentence.text, start + trailing.end(), end)
    end = beyond.start() if beyond else end  # the condition alone: the reason for it is not what was asked
    role = f"the condition for {lowered(clause.subject, context)}"
    yield Draft("condition", f"{asked} {inverted(clause, context, kept)}", role, sentence, (start + trailing.start(1), end))
