"""What things do: 'S returns X', 'S provides X', 'S consists of X', 'S results in X', 'S defaults to X'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import lowered
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.lexicon import BE, DETERMINERS, PREPOSITIONS, bare
from rubric_factory.authoring.extractive.sentences import Sentence
from rubric_factory.authoring.extractive.verbs import CONSEQUENCE_VERBS, FUNCTION_VERBS, LIGHT_VERBS, PREPOSITIONAL, third_person

_PARTICLE = re.compile(r"(to|for|of|on|in|with)\s")
_MANNER = re.compile(
    r"(?P<done>[a-z]+(?:ed|en|wn|lt|nt|ut|ne)(?: (?!by|using|via)[\w-]+){0,4}?) "
    r"(?P<how>(?:only |either )?(?:by (?!default|the same|hand\b)|using |with the help of |by means of |via |through ))"
)
_PLACE = re.compile(
    r"(stored|located|defined|placed|installed|implemented|found|kept|written|set|saved|put|printed|declared|collected) "
    r"(in|on|at|under|to|inside)\s"
)


def function(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask for the object of a verb that the lexicon knows."""
    clause = main_clause(sentence)
    if clause is None or (clause.negated and not clause.verb) or clause.auxiliary == "cannot":
        return
    subject, (start, end) = lowered(clause.subject, context), rest_span(clause, sentence)
    if clause.auxiliary in BE:
        if clause.auxiliary in ("is", "are"):
            yield from _passive(sentence, subject, clause.auxiliary, clause.rest, start, end)
        return
    if clause.rest.startswith("be ") and clause.auxiliary != "cannot":
        manner, place = _MANNER.match(clause.rest[3:]), _PLACE.match(clause.rest[3:])
        if place and not manner and not clause.negated:
            body, role = (
                f"where {clause.auxiliary} {subject} be {place.group(1)}",
                f"where {subject} {clause.auxiliary} be {place.group(1)}",
            )
            yield Draft("means", body, role, sentence, (start + 3 + place.start(2), end))
        if manner and not clause.negated:
            body = f"how {clause.auxiliary} {subject} be {manner['done']}"
            yield Draft(
                "means", body, f"how {subject} {clause.auxiliary} be {manner['done']}", sentence, (start + 3 + manner.start("how"), end)
            )
        return
    helper = clause.auxiliary or ("do" if clause.many else "does")
    verb, rest = clause.verb, clause.rest
    if clause.auxiliary:
        verb, _, rest = clause.rest.partition(" ")
        start += len(verb) + 1
    particle = _PARTICLE.match(rest)
    kind = PREPOSITIONAL.get(f"{verb} {particle.group(1)}" if particle else verb)
    if verb in ("allow", "permit") and particle and particle.group(1) == "to":
        pass
    elif particle and kind:
        start += particle.end()
        verb = f"{verb} {particle.group(1)}"
    elif (
        verb not in FUNCTION_VERBS | CONSEQUENCE_VERBS
        or particle
        or not rest
        or bare(rest.split()[0]) in PREPOSITIONS | {"and", "or", "as", "not", "but", "then", "care"}
    ):
        return
    kind = kind or ("consequence" if verb in CONSEQUENCE_VERBS - FUNCTION_VERBS else "function")
    negation = " not" if clause.negated else ""
    kind = "constraint" if helper in ("must", "should") else kind
    yield Draft(
        kind,
        f"what {helper} {subject}{negation} {verb}",
        _role(subject, helper, f"not {verb}" if clause.negated else verb),
        sentence,
        (start, end),
    )


def _transitive(verb: str, rest: str) -> bool:
    """Whether the rest is the verb's object: with 'have' a noun phrase, not a participle ('has been') or a duty ('have to')."""
    if verb == "have":
        return bool(re.match(rf"(?:{'|'.join(sorted(DETERMINERS))}|[a-z]+ [a-z]+s)\b(?! to\b)", rest)) and not re.match(
            r"been|\w+(?:ed|en)\b", rest
        )
    known = verb in FUNCTION_VERBS | CONSEQUENCE_VERBS
    return known or (verb.isalpha() and verb not in LIGHT_VERBS and re.match(r"(?:an?|the|each|every) ", rest) is not None)


def _role(subject: str, helper: str, verb: str) -> str:
    """'what the cache holds', 'what the cache can hold', 'what caches hold'."""
    if verb.startswith("not "):
        return f"what {subject} {helper} {verb}"
    head, _, particle = verb.partition(" ")
    shown = {"do": head, "does": third_person(head)}.get(helper, f"{helper} {head}")
    return f"what {subject} {shown} {particle}".strip()


def _passive(sentence: Sentence, subject: str, be: str, rest: str, start: int, end: int) -> Iterator[Draft]:
    purpose = re.match(r"(?:used|intended|designed|meant|needed|required) (to|for)\s", rest)
    manner, place = _MANNER.match(rest), _PLACE.match(rest)
    if purpose:
        word = rest.split()[0]
        yield Draft("purpose", f"what {be} {subject} {word} for", f"what {subject} {be} {word} for", sentence, (start + purpose.end(), end))
    elif manner:
        yield Draft(
            "means",
            f"how {be} {subject} {manner['done']}",
            f"how {subject} {be} {manner['done']}",
            sentence,
            (start + manner.start("how"), end),
        )
    elif place:
        yield Draft(
            "means",
            f"where {be} {subject} {place.group(1)}",
            f"where {subject} {be} {place.group(1)}",
            sentence,
            (start + place.start(2), end),
        )
