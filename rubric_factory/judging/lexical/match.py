"""Whether a sentence of the response states a required element: its words, numbers with their units, and the same polarity."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from rubric_factory.judging.lexical.terms import Term, content, numbers, terms

_REACH = 4  # content terms a negator is taken to speak of
_SAME = 0.5
LONG_ELEMENT, LONG_SHARE = 4, 0.75


@dataclass(frozen=True, slots=True)
class Element:
    """A required element: its content stems, (number, term after it) pairs. stems is empty where it has no content at all."""

    stems: frozenset[str]
    quantities: frozenset[tuple[str, str]]


def element(source: str) -> Element:
    """Element of a required-element string; of function words alone, those are what is required."""
    found = terms(source)
    plain = content(found) or [term.stem for term in found]
    pairs = {
        (term.stem, found[index + 1].stem if index + 1 < len(found) and found[index + 1].stem.startswith("[") else "")
        for index, term in enumerate(found)
        if term.number
    }
    return Element(frozenset(plain), frozenset(pairs))


def stated(wanted: Element, sentence: Sequence[Term]) -> bool:
    """Whether the sentence holds the element: every number with its unit, and all stems (of a long element, LONG_SHARE of them)."""
    if not wanted.stems:
        return False
    for number, unit in wanted.quantities:
        places = [index for index, term in enumerate(sentence) if term.number and term.stem == number]
        follows = [sentence[index + 1].stem if index + 1 < len(sentence) else "" for index in places]
        if not any(after == unit if unit else not after.startswith("[") for after in follows):
            return False
    here = {term.stem for term in sentence}
    need = len(wanted.stems) if len(wanted.stems) < LONG_ELEMENT else LONG_SHARE * len(wanted.stems)
    return len(wanted.stems & here) >= need


def _negated(sentence: Sequence[Term]) -> list[set[str]]:
    """Per negator, the content stems it speaks of: the next _REACH of them."""
    return [set(content(sentence[index + 1 :])[:_REACH]) for index, term in enumerate(sentence) if term.negator]


def same_polarity(sentence: Sequence[Term], sources: Sequence[Sequence[Term]]) -> bool:
    """Whether the sentence negates what the passage negates, and nothing else, as far as words show.

    sources: the passage's sentences. Held against the one that shares the most terms; where it shares less than _SAME of the
    sentence's terms, a negator only has to speak of something that the passage negates anywhere.
    """
    own, ours = set(content(sentence)), _negated(sentence)
    nearest = max(sources, key=lambda source: len(own & set(content(source))), default=())
    if len(own & set(content(nearest))) < _SAME * len(own):
        theirs = [scope for source in sources for scope in _negated(source)]
        return all(not scope or any(scope & other for other in theirs) for scope in ours)
    theirs = _negated(nearest)
    taken_over = [scope for scope in theirs if len(scope & own) > len(scope) / 2]
    return len(taken_over) <= len(ours) <= len(theirs) and all(not scope or any(scope & other for other in theirs) for scope in ours)


def known_numbers(sentence: Sequence[Term], known: Set[str]) -> bool:
    """Whether every number in the sentence stands in passage, question or rubric: a foreign number contradicts something."""
    return numbers(sentence) <= known
