"""What things do: 'S returns X', 'S provides X', 'S consists of X', 'S results in X', 'S defaults to X'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import Clause, lowered
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.lexicon import BE, DETERMINERS, PREPOSITIONS, bare
from rubric_factory.authoring.extractive.sentences import Sentence
from rubric_factory.authoring.extractive.verbs import CONSEQUENCE_VERBS, FUNCTION_VERBS, LIGHT_VERBS, PREPOSITIONAL, third_person

_PARTICLE = re.compile(r"(to|for|of|on|in|with)\s")
_OBJECT = re.compile(rf"(?!been\b|to\b|\w+(?:ed|en)\b)(?:{'|'.join(sorted(DETERMINERS))}|[a-z]+ [a-z]+s)\b(?! to\b)")
_NO_OBJECT = PREPOSITIONS | frozenset(("and", "or", "as", "not", "but", "then", "care", "it", "them", "this", "that"))


def function(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask for the object of the sentence's verb."""
    clause = main_clause(sentence)
    if clause is None or (clause.negated and not clause.verb) or clause.auxiliary in BE | {"cannot"} or clause.rest.startswith("be "):
        return
    subject, (start, end) = lowered(clause.subject, context), rest_span(clause, sentence)
    helper = clause.auxiliary or ("do" if clause.many else "does")
    verb, rest = clause.verb, clause.rest
    if clause.auxiliary and not clause.verb:
        verb, _, rest = clause.rest.partition(" ")
        start += len(verb) + 1
    particle = _PARTICLE.match(rest)
    kind = PREPOSITIONAL.get(f"{verb} {particle.group(1)}" if particle else verb)
    if particle and kind:
        start += particle.end()
        verb, rest = f"{verb} {particle.group(1)}", rest[particle.end() :]
        if bare(rest.split()[0]) in _NO_OBJECT or rest.startswith(","):
            return
    elif not (verb in ("allow", "permit") and rest.startswith("to ")) and not _transitive(verb, rest):
        return
    kind = _kind(kind, verb, helper)
    negation = " not" if clause.negated else ""
    yield Draft(kind, f"what {helper} {subject}{negation} {verb}", _role(clause, subject, helper, verb), sentence, (start, end))


def _kind(kind: str | None, verb: str, helper: str) -> str:
    if helper in ("must", "should"):
        return "constraint"
    return kind or ("consequence" if verb in CONSEQUENCE_VERBS - FUNCTION_VERBS else "function")


def _transitive(verb: str, rest: str) -> bool:
    """Whether the rest is the verb's object; with 'have' a noun phrase, not a participle ('has been') or a duty ('have to')."""
    if not rest or not rest.split() or bare(rest.split()[0]) in _NO_OBJECT:
        return False
    if verb == "have":
        return _OBJECT.match(rest) is not None
    known = verb in FUNCTION_VERBS | CONSEQUENCE_VERBS
    return known or (verb.isalpha() and verb not in LIGHT_VERBS and re.match(r"(?:an?|the|each|every) ", rest) is not None)


def _role(clause: Clause, subject: str, helper: str, verb: str) -> str:
    """'what the cache holds', 'what the cache can hold', 'what caches do not hold'."""
    if clause.negated:
        return f"what {subject} {helper} not {verb}"
    head, _, particle = verb.partition(" ")
    shown = {"do": head, "does": third_person(head)}.get(helper, f"{helper} {head}")
    return f"what {subject} {shown} {particle}".strip()
