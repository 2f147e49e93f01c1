"""The answer cut into phrases, each with the terms that a good answer must hold."""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from rubric_factory.authoring.extractive.lexicon import HOLLOW_NOUNS, LIGHT_WORDS, NUMBER_WORDS, STOPWORDS, UNITS, VAGUE_NOUNS, bare, stem
from rubric_factory.authoring.extractive.verbs import NOUN_LIKE, VERBS
from rubric_factory.text import words

_BREAK = re.compile(
    r"[,;:()]\s*|\s(?=(?:which|that|who|where|when|if|unless|because|since|so that|so|but|and|or|by|with|without|using|from|for|in order|"
    r"instead|rather|whereas|while|until|before|after|to|in|on|via|as|than|into|at|within|between|through|during)\s)"
)
_TOKEN = re.compile(r"[^\s,;:()\"“”]+")
_PHRASE_WORDS = 9
_TERM_WORDS = 2
_PHRASE_TERMS = 2


@dataclass(frozen=True, slots=True)
class Term:
    """Offsets of a term; begun is where the run of content words around it begins."""

    begun: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """A stretch of the answer and the terms in it; start and end are offsets in the sentence's text."""

    text: str
    start: int
    end: int
    terms: tuple[str, ...]

    @property
    def strong(self) -> bool:
        """Whether the terms say something by themselves: more than light words, a bare participle or a verb without its object."""
        return any(not (hollow_word(term) or light(term, LIGHT_WORDS | VAGUE_NOUNS) or term in VERBS - NOUN_LIKE) for term in self.terms)


def _content(token: str, asked: frozenset[str]) -> bool:
    word = bare(token).removesuffix("'s").removesuffix("’s")
    if re.fullmatch(r"\d[\d.,]*%?", word) or word in NUMBER_WORDS or (word in UNITS and word not in STOPWORDS):
        return stem(word) not in asked
    if len(word) < 3 or word in STOPWORDS or (word.endswith("ly") and word not in VERBS) or not any(c.isalpha() for c in word):
        return False
    return not {stem(part) for part in words(word)} & asked


def _terms(text: str, start: int, end: int, asked: frozenset[str]) -> list[Term]:
    """Terms in text[start:end], from each run of content words that the question does not give away."""
    runs: list[list[re.Match[str]]] = []
    for match in _TOKEN.finditer(text, start, end):
        if not _content(match.group(), asked):
            continue
        number = bool(re.match(r"\d", match.group())) or bare(match.group()) in NUMBER_WORDS
        beside = bool(runs) and text[runs[-1][-1].end() : match.start()] == " "
        named = beside and runs[-1][-1].group()[0].isupper()  # "PEP 8", "Python 3" are one name
        joined = beside and (named if number else not _closed(runs[-1]))
        if joined:
            runs[-1].append(match)
        else:
            runs.append([match])
    for run in runs:
        while len(run) > 1 and re.fullmatch(r"[a-z]+ed", run[-1].group()):
            run.pop()
    return [_term(text, run) for run in runs]


def _closed(run: list[re.Match[str]]) -> bool:
    """Whether a run that starts with a number has its unit or noun already."""
    first = bare(run[0].group())
    return len(run) == 2 and (first[:1].isdigit() or first in NUMBER_WORDS)


def _term(text: str, run: list[re.Match[str]]) -> Term:
    """The term of a run: its last two words, which in English hold the head noun."""
    last = run[-1].start() + len(run[-1].group().rstrip(".'’!?"))
    return Term(run[0].start(), run[-min(len(run), _TERM_WORDS)].start(), last)


def phrases_of(text: str, span: tuple[int, int], question: str) -> list[Phrase]:
    """Phrases of text[span] that hold at least one term the question does not give away, in order."""
    asked = frozenset(stem(word) for word in words(question))
    edges = [span[0], *(m.end() for m in _BREAK.finditer(text, *span)), span[1]]
    phrases: list[Phrase] = []
    seen: set[str] = set()
    waiting: list[Term] = []
    begun = span[0]
    for index, (start, end) in enumerate(pairwise(edges)):
        begun = begun if waiting else start
        terms = [term for term in _terms(text, start, end, asked) if stem(words(text[term.start : term.end])[-1]) not in seen]
        seen |= {stem(word) for term in terms for word in words(text[term.start : term.end])}
        waiting += terms
        if len(waiting) == 1 and _hollow(text, waiting[0]) and index + 2 < len(edges) and not _stops(text[start:end]):
            continue
        while waiting:
            last = end if len(waiting) <= _PHRASE_TERMS else waiting[_PHRASE_TERMS - 1].end
            phrases.extend(_phrase(text, begun, last, waiting[:_PHRASE_TERMS]))
            begun, waiting = waiting[:_PHRASE_TERMS][-1].end, waiting[_PHRASE_TERMS:]
            begun += 1
    return phrases


def _stops(segment: str) -> bool:
    """Whether a segment ends in a mark that the next one does not belong across."""
    return segment.rstrip().endswith((",", ";", ":", "(", ")"))


def _hollow(text: str, term: Term) -> bool:
    """Whether the term is one verb form or hollow noun, which says little without what follows it."""
    word = text[term.start : term.end]
    return term.begun == term.start and hollow_word(word)


def hollow_word(word: str) -> bool:
    """Whether a word is a bare participle or a noun that only introduces the next one."""
    return word in HOLLOW_NOUNS or re.fullmatch(r"[a-z]+(?:ed|ing|en)", word) is not None


def light(term: str, vague: frozenset[str] = LIGHT_WORDS) -> bool:
    """Whether every word of a term is one that answers nothing: 'time', 'wide range', or only a mark with a letter."""
    return all(word in vague or (word.isalpha() and len(word) < 2) for word in words(term.lower()))


def without_light(phrases: list[Phrase]) -> list[Phrase]:
    """The phrases with their light terms left out, and without those that hold no other."""
    kept = [replace(phrase, terms=tuple(term for term in phrase.terms if not light(term))) for phrase in phrases]
    return [phrase for phrase in kept if phrase.terms]


def _phrase(text: str, start: int, end: int, terms: list[Term]) -> list[Phrase]:
    """The shortest readable stretch over the terms; one stretch for each term where that would be long."""
    first, last = _widened(text, start, terms[0].begun), terms[-1].end
    tail = re.match(r"(?: [\w'’-]+){1,2}(?=[\s,.;:]*$)", text[last:end])
    last += len(tail.group()) if tail else 0
    if len(words(text[first:last])) <= _PHRASE_WORDS and '"' not in text[first:last]:
        return [Phrase(text[first:last], first, last, tuple(text[term.start : term.end] for term in terms))]
    if len(terms) == 1:
        return [Phrase(text[terms[0].start : last], terms[0].start, last, (text[terms[0].start : last],))]
    return [phrase for term in terms for phrase in _phrase(text, max(start, term.begun), term.end, [term])]


def _widened(text: str, start: int, term: int) -> int:
    """Start of the phrase: the words before its first term belong to it, a leading comma or conjunction does not."""
    head = text[start:term]
    cut = re.match(r"\s*(?:(?:and|or|but|that|which|then|is|are|it|they|also|will|to)\s+)*", head)
    begun = start + (cut.end() if cut else 0)
    return term if len(text[begun:term].split()) > 3 or re.search(r"[,;:()]", text[begun:term]) else begun
