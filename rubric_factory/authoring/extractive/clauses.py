"""A clause split into subject, auxiliary, verb and rest, and the question orders made from it. A small grammar, no parser."""

import re
from dataclasses import dataclass

from rubric_factory.authoring.extractive.lexicon import (
    ADVERBS,
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    GENERIC_HEADS,
    HAVE,
    IRREGULAR_PLURALS,
    NUMBER_WORDS,
    PLAIN_ADJECTIVES,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
    bare,
    plural,
    word_set,
)
from rubric_factory.authoring.extractive.verbs import IMPERATIVES, NOUN_LIKE, PREPOSITIONAL, THIRD_PERSON, VERBS, base_of

_SUBJECT_WORDS = 8
_POINTING = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|drawbacks|advantages|problems|differences|reasons|last|next|other|same|only|another|rest|one|result|results|example|reason|idea|case|difference|problem|way|"
    r"goal|intention|fact|question|step|latter|former|simplest|easiest|best|most|new|current|advantage|drawback|consequence|author|authors)\b",
    re.IGNORECASE,
)
_NUMBERED_THING = re.compile(
    r"^(?:Version|Section|Figure|Table|Chapter|Step|Theorem|Algorithm|Example|Line|Page|Issue|Part|Note)\b", re.IGNORECASE
)


_INDEFINITE = frozenset(("a", "an", "no", "each", "every", "any", "all"))
_ARTICLES = frozenset(("a", "an", "the", "each", "every"))
_COMMON_ENDINGS = tuple(sorted(word_set("ing tion ment ity able ible al ive ous ful less ic ary ed ness or certain")))


@dataclass(frozen=True, slots=True)
class Clause:
    """subject + auxiliary ('' with a plain verb) + adverbs + verb (base form, '' with be or a modal) + rest.

    rest_start and verb_start are offsets in the sentence.
    """

    subject: str
    auxiliary: str
    verb: str
    rest: str
    rest_start: int
    verb_start: int
    negated: bool
    many: bool  # the finite verb is plural, as read in the sentence


def _tokens(text: str) -> list[tuple[str, int, int]]:
    return [(m.group(), m.start(), m.end()) for m in re.finditer(r"\S+", text)]


def _starts_object(after: str, word: str) -> bool:
    """Whether the word after a verb that may be a noun shows that it is the verb."""
    return (
        after in DETERMINERS | NUMBER_WORDS
        or after.isdigit()
        or after.endswith("ly")
        or f"{THIRD_PERSON.get(word, word)} {after}" in PREPOSITIONAL
    )


def _is_lexical_verb(tokens: list[tuple[str, int, int]], index: int) -> str:
    """Base form of the finite verb at index, '' if the token is none (or more likely a noun)."""
    word, before = bare(tokens[index][0]), bare(tokens[index - 1][0])
    after = bare(tokens[index + 1][0]) if index + 1 < len(tokens) else ""
    if not word.isalpha() or before in DETERMINERS | PREPOSITIONS | CONJUNCTIONS or tokens[index][0] != word:
        return ""
    if after in AUXILIARIES | HAVE or after in THIRD_PERSON or (after == "of" and THIRD_PERSON.get(word) != "consist"):
        return ""
    if word in THIRD_PERSON and not plural(tokens[index - 1][0]):
        if word in NOUN_LIKE and not _starts_object(after, word):
            return ""
        return THIRD_PERSON[word]
    if after in _ARTICLES and len(word) > 3 and plural(word) and not plural(tokens[index - 1][0]):
        return base_of(word)
    several = plural(tokens[index - 1][0]) or any(token == "and" for token, _, _ in tokens[:index])
    if word in VERBS and several and (word not in NOUN_LIKE or _starts_object(after, word)):
        return word
    return ""


def split_clause(text: str, base: int = 0) -> Clause | None:
    """The clause of text, None where no subject and finite verb are found for sure. base is added to rest_start."""
    tokens = _tokens(text)
    for index in range(1, min(len(tokens) - 1, _SUBJECT_WORDS + 1)):
        word = bare(tokens[index][0])
        if tokens[index - 1][0].endswith((",", ":", ".", ";")) or word in RELATIVES:
            return None
        if word in AUXILIARIES | HAVE and tokens[index][0] == word:
            return _clause(text, tokens, index, word, "", base)
        verb = _is_lexical_verb(tokens, index)
        if verb:
            return _clause(text, tokens, index, "", verb, base)
    return None


def _clause(text: str, tokens: list[tuple[str, int, int]], index: int, auxiliary: str, verb: str, base: int) -> Clause | None:
    end = index
    while end > 1 and bare(tokens[end - 1][0]) in ADVERBS:
        end -= 1
    subject, finite = text[: tokens[end - 1][2]], bare(tokens[index][0])
    many = finite in ("are", "were", "have", "do") or (not auxiliary and finite == verb)
    if not _agrees(subject, many):
        return None
    follow, negated = index + 1, auxiliary == "cannot"
    if auxiliary in HAVE:
        auxiliary, verb = "", "have"
    while follow < len(tokens) and bare(tokens[follow][0]) in ADVERBS | {"not"} and (auxiliary or verb == "have"):
        negated = negated or bare(tokens[follow][0]) == "not"
        follow += 1
    if follow >= len(tokens):
        return None
    if auxiliary in ("does", "do", "did"):
        head = bare(tokens[follow][0])
        if head not in VERBS or follow + 1 >= len(tokens) or not negated:
            return None
        verb, follow = head, follow + 1
    start = tokens[follow][1]
    return Clause(subject, auxiliary, verb, text[start:].rstrip("."), base + start, base + tokens[index][1], negated, many)


def _agrees(subject: str, many: bool) -> bool:
    """Whether a subject can stand with the number of its verb; where not, the sentence or the split is wrong."""
    plain = [bare(token) for token in subject.split()]
    head = next((i for i, word in enumerate(plain) if word in PREPOSITIONS), len(plain)) - 1
    if not many:
        return plain[head] not in IRREGULAR_PLURALS - {"data", "media"}
    return any(plural(word) or word in IRREGULAR_PLURALS | NUMBER_WORDS | {"and"} for word in plain)


def sound_subject(subject: str) -> bool:
    """Whether a question can name this subject: a noun phrase that is understood without its paragraph."""
    tokens = subject.split()
    plain = [bare(token) for token in tokens]
    refused = (PRONOUNS - DETERMINERS - {"your"}) | PREPOSITIONS | RELATIVES | CONJUNCTIONS
    if not 1 <= len(tokens) <= _SUBJECT_WORDS or plain[0] in refused:
        return False
    if plain[0] in ADVERBS | AUXILIARIES | HAVE or plain[-1] in PREPOSITIONS | DETERMINERS | CONJUNCTIONS or not plain[-1]:
        return False
    if any(word in PRONOUNS - {"all", "some", "many", "most", "both", "several", "few", "your"} for word in plain):
        return False
    if plain[0] in IMPERATIVES and len(tokens) > 1 and not plural(tokens[0]):
        return False
    if _POINTING.search(subject) or _NUMBERED_THING.match(subject) or re.search(r"[,:;(\"“–—]|\b(?:to|not)\b", subject):
        return False
    if plain[0] in ("some", "many", "most", "several", "few", "various"):
        return False
    if plain[0] == "both" and "and" not in plain:
        return False
    content = [word for word in plain if word not in DETERMINERS]
    telling = [word for word in content if word not in PLAIN_ADJECTIVES | PRONOUNS | ADVERBS]
    if not telling or (len(telling) == 1 and telling[0] in GENERIC_HEADS and plain[0] not in _INDEFINITE):
        return False
    return any(character.isalpha() for character in content[-1]) and len(content[-1]) > 1


def lowered(phrase: str, context: str) -> str:
    """Phrase as it stands inside a sentence: first letter lower-cased unless it is a name (judged by the passage's own usage)."""
    head = phrase.split(" ", 1)[0]
    plain = head.strip(",.:;()")
    if not plain.isalpha() or not plain[0].isupper() or plain[1:] != plain[1:].lower() or (len(plain) == 1 and plain != "A"):
        return phrase
    small = plain.lower()
    if small not in DETERMINERS and re.search(rf"(?<=[a-z,] ){plain}\b", context):
        return phrase
    known = (
        small in DETERMINERS | PREPOSITIONS | PRONOUNS | RELATIVES
        or plural(small)
        or small in IRREGULAR_PLURALS
        or small.endswith(_COMMON_ENDINGS)
    )
    if known or re.search(rf"\b{re.escape(small)}\b", context):
        return phrase[0].lower() + phrase[1:]
    return phrase


def supposed(clause: Clause, context: str) -> str:
    """The clause as a supposition in other words: 'the cache happens to be empty', 'two classes happen to meet'."""
    subject, happen = lowered(clause.subject, context), "happen" if clause.many else "happens"
    negation = "not " if clause.negated else ""
    return f"{subject} {happen} {negation}to {clause.verb or 'be'} {clause.rest}"


def inverted(clause: Clause, context: str, rest: str | None = None) -> str:
    """Question order: 'is the cache emptied', 'does the cache hold two entries', 'can X not be Y'."""
    subject = lowered(clause.subject, context)
    rest = clause.rest if rest is None else rest
    negation = " not" if clause.negated else ""
    if clause.verb:
        helper = clause.auxiliary or ("do" if clause.many else "does")
        return f"{helper} {subject}{negation} {clause.verb} {rest}".strip()
    auxiliary = "can" if clause.auxiliary == "cannot" else clause.auxiliary
    return f"{auxiliary} {subject}{negation} {rest}".strip()
