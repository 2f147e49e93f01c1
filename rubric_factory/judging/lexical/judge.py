"""LexicalJudge: level = share of the required elements that the response states, times guards against cheap answers.

A positive criterion earns floor(max * share * guards + 0.3) of its max levels. A negative one is met only where the bad thing's own
elements are all stated; no guard lowers it. Deterministic; no model, no call, no state.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rubric_factory import text
from rubric_factory.judging import failures
from rubric_factory.judging.lexical import guards, match
from rubric_factory.judging.lexical.terms import Term, content, quantities, sentences, terms
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Criterion, Judgement, Rubric, Verdict
from rubric_factory.settings.judge import GradingSettings

VERSION = "lexical@1"
RUN = 3  # terms of the passage in a row that show a phrase, not a list
_GRACE = 0.3  # so that a guard just below 1 does not cost a whole level
_ABOUT = 0.4  # share of the evidence's terms that makes a sentence be about it
_PARAPHRASE = 0.6  # share of the evidence's terms a criterion without required elements asks for


@dataclass(frozen=True, slots=True)
class _Source:
    """What the response is held against: computed once per task."""

    passage: tuple[tuple[Term, ...], ...]
    question: tuple[Term, ...]
    titles: tuple[tuple[Term, ...], ...]
    given: frozenset[str]
    topic: frozenset[str]
    runs: frozenset[tuple[str, ...]]
    numbers: dict[str, set[str]]
    evidence_terms: int


@lru_cache(maxsize=4096)
def _source(question: str, passage: str, rubric: Rubric) -> _Source:
    asked = terms(question)
    inside = tuple(sentences(passage))
    titles = tuple(terms(c.title) for c in rubric.criteria)
    quotes = [terms(quote) for quote in {e.quote for c in rubric.criteria for e in c.evidence}]
    elements = [terms(e) for c in rubric.criteria for e in c.required_elements]
    everything = [asked, *inside, *elements, *titles, *(terms(c.description) for c in rubric.criteria)]
    known: dict[str, set[str]] = {}
    for number, unit in (pair for part in everything for pair in quantities(part)):
        known.setdefault(number, set()).add(unit)
    return _Source(
        passage=inside,
        question=asked,
        titles=titles,
        given=frozenset(content(asked)),
        runs=frozenset(run for part in inside for run in _phrases(part)) - {run for part in elements for run in _phrases(part)},
        topic=frozenset(stem for part in everything for stem in content(part)),
        numbers=known,
        evidence_terms=sum(len(quote) for quote in quotes) + len(asked),
    )


def _phrases(part: tuple[Term, ...]) -> list[tuple[str, ...]]:
    """Runs of RUN terms of a sentence with a function word inside: a phrase rather than a name."""
    glue = {term.stem for term in part if term.function}
    return [run for run in text.shingles([term.stem for term in part], RUN) if run[1] in glue]


class LexicalJudge:
    """The embedded judge. Demo grade."""

    def __init__(self, grading: GradingSettings) -> None:
        self.grading = grading

    @property
    def identity(self) -> str:
        """Changes with the rules."""
        return VERSION

    @property
    def evidence_grade(self) -> str:
        """Always 'demo'."""
        return "demo"

    def grade_many(self, batch: Sequence[JudgeInput]) -> list[Judgement]:
        """See Judge."""
        return [self._grade(item) for item in batch]

    def _grade(self, item: JudgeInput) -> Judgement:
        if failures.is_over_length(item.response, self.grading.max_response_characters):
            return failures.over_length(item, VERSION)
        return Judgement(item.task_id, item.response_id, verdicts(item), VERSION)


def verdicts(item: JudgeInput) -> tuple[Verdict, ...]:
    """Verdicts in rubric order."""
    source = _source(item.question, item.passage, item.rubric)
    parts = sentences(item.response)
    factor, why = _guarded(item.response, parts, source)
    sound = [part for part in parts if _sound(part, source)]
    shares = {c.criterion_key: _share(c, parts if _is_bad(c) else sound, source) for c in item.rubric.criteria}
    # An element that the question already gives earns only beside one that it does not.
    new = any(_is_new(c, source) and shares[c.criterion_key][0] > 0 for c in item.rubric.criteria if c.weight > 0)
    return tuple(_verdict(c, *shares[c.criterion_key], factor if new or _is_bad(c) else 0.0, why) for c in item.rubric.criteria)


def _is_bad(criterion: Criterion) -> bool:
    return criterion.weight < 0


def _is_new(criterion: Criterion, source: _Source) -> bool:
    """Whether the criterion asks for anything that the question does not already say."""
    wanted = [match.element(e) for e in criterion.required_elements]
    return not wanted or any(not e.stems <= source.given for e in wanted)


def _guarded(response: str, parts: Sequence[tuple[Term, ...]], source: _Source) -> tuple[float, str]:
    """Product of the guards and the name of the strictest."""
    found = [term for part in parts for term in part]
    factors = {
        "reads as a list": guards.prose(response, found),
        "words out of order": guards.order(parts),
        "repeats itself": guards.variety(found),
        "too long for what it says": guards.focus(found, source.evidence_terms),
        "off the topic": guards.on_topic(found, source.topic),
        "says the question or the rubric back": guards.own_words(found, [source.question, *source.titles]),
    }
    worst = min(factors, key=lambda name: factors[name])
    return math.prod(factors.values()), "" if factors[worst] == 1.0 else worst


def _share(criterion: Criterion, parts: Sequence[tuple[Term, ...]], source: _Source) -> tuple[float, str]:
    """Share of the required elements stated, and what is missing."""
    if not criterion.required_elements:
        return _contradicted(criterion, parts, source) if _is_bad(criterion) else _paraphrased(criterion, parts, source)
    missing = [e for e in criterion.required_elements if not any(match.stated(match.element(e), part) for part in parts)]
    share = 1 - len(missing) / len(criterion.required_elements)
    return share, "missing: " + "; ".join(missing) if missing else "all elements stated"


def _sound(part: tuple[Term, ...], source: _Source) -> bool:
    """Whether a sentence may earn anything: it answers the question, and agrees with the passage in its numbers and negations.

    It answers where it takes up a word of the question, or goes on from it in a phrase of the passage's own.
    """
    if source.given and not source.given & set(content(part)) and not source.runs & set(text.shingles([t.stem for t in part], RUN)):
        return False
    return match.known_numbers(part, source.numbers) and match.same_polarity(part, source.passage)


def _paraphrased(criterion: Criterion, parts: Sequence[tuple[Term, ...]], source: _Source) -> tuple[float, str]:
    """A positive criterion without required elements: the new terms of its evidence, if any."""
    wanted = {stem for e in criterion.evidence for stem in content(terms(e.quote))} - source.given
    if not wanted:
        return 0.0, "nothing to look for"
    best = max((len(wanted & set(content(part))) / len(wanted) for part in parts), default=0.0)
    return min(1.0, best / _PARAPHRASE) if best >= _PARAPHRASE / 2 else 0.0, f"{best:.0%} of the evidence's terms"


def _contradicted(criterion: Criterion, parts: Sequence[tuple[Term, ...]], source: _Source) -> tuple[float, str]:
    """A negative criterion without required elements: 1 where a sentence about its evidence has a foreign number or negation."""
    for quote in (terms(e.quote) for e in criterion.evidence):
        wanted = match.Element(frozenset(content(quote)), frozenset())
        for part in parts:
            about = wanted.stems & set(content(part))
            if len(about) < max(1, _ABOUT * len(wanted.stems)):
                continue
            if not match.known_numbers(part, source.numbers) or not match.same_polarity(part, source.passage):
                return 1.0, "contradicts the passage"
    return 0.0, "no contradiction found"


def _verdict(criterion: Criterion, share: float, reason: str, factor: float, why: str) -> Verdict:
    top = criterion.max_level
    if _is_bad(criterion):
        return Verdict(criterion.criterion_key, top if share == 1.0 else 0, reason)
    level = min(top, math.floor(top * share * factor + _GRACE)) if share > 0 else 0
    return Verdict(criterion.criterion_key, level, f"{reason} ({why})" if why and share > 0 else reason)
