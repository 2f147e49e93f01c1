"""Whether a sentence of the response states a required element: its words, numbers with their units, and the same polarity."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from rubric_factory.judging.lexical.terms import Term, content, quantities, terms

_REACH = 4  # content terms a negator is taken to speak of
_SAME = 0.5
LONG_ELEMENT, LONG_SHARE = 4, 0.75


@dataclass(frozen=True, slots=True)
class Element:
    """A required element: its content stems, and its numbers with their units ('' where it names none)."""

    stems: frozenset[str]
    quantities: frozenset[tuple[str, str]]


@lru_cache(maxsize=65536)
def element(source: str) -> Element:
    """Element of a required-element string; of function words alone, those are what is required."""
    found = terms(source)
    return Element(frozenset(content(found) or [term.stem for term in found]), frozenset(quantities(found)))


def stated(wanted: Element, sentence: Sequence[Term]) -> bool:
    """Whether the sentence holds the element: every number with its unit, and all stems (of a long element, LONG_SHARE of them)."""
    if not wanted.stems:
        return False
    here = {term.stem for term in sentence}
    need = len(wanted.stems) if len(wanted.stems) < LONG_ELEMENT else LONG_SHARE * len(wanted.stems)
    if len(wanted.stems & here) < need:
        return False
    said = quantities(sentence)
    return all(any(number == n and unit in ("", u) for n, u in said) for number, unit in wanted.quantities)


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


def known_numbers(sentence: Sequence[Term], known: Mapping[str, Set[str]]) -> bool:
    """Whether every number stands in passage, question or rubric, with a unit that it has there: a foreign one contradicts something.

    known: units by number, '' for a number without; a number that never has a unit there may have any.
    """
    return all(number in known and (not unit or unit in known[number] or known[number] == {""}) for number, unit in quantities(sentence))
