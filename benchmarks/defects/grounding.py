"""Defects of grounding: quotes that are none, numbers from nowhere, the same words sold several times."""

import re
from collections.abc import Sequence
from random import Random

from benchmarks.defects.case import Case, changed, criteria, one_changed, positive


def _requoted(case: Case, rng: Random, quote: str | None) -> Case | None:
    if quote is None:
        return None
    return one_changed(case, rng, positive, lambda one: one.update(evidence=[quote]))


def _quote(case: Case, rng: Random, shortest: int = 6) -> list[str] | None:
    quotes = [quote.split() for one in positive(criteria(case)) for quote in one["evidence"] if len(quote.split()) >= shortest]
    return rng.choice(quotes) if quotes else None


def swapped_words(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A quote with two words exchanged."""
    found = _quote(case, rng)
    if found is None or found[1] == found[3]:
        return None
    found[1], found[3] = found[3], found[1]
    return _requoted(case, rng, " ".join(found))


def dots_for_words(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A quote with words left out and dots put in."""
    found = _quote(case, rng)
    return _requoted(case, rng, " ".join([*found[:2], rng.choice(["...", "…", "[…]"]), *found[-2:]]) if found else None)


def mended_word(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A quote with another word in it."""
    found = _quote(case, rng)
    if found:
        found[rng.randrange(1, len(found) - 1)] = rng.choice(["certainly", "normally", "roughly", "perhaps"])
    return _requoted(case, rng, " ".join(found) if found else None)


def foreign_quote(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A quote of another document."""
    strange = [other for other in others if other.passage != case.passage]
    found = _quote(rng.choice(strange), rng, 5)
    return _requoted(case, rng, " ".join(found) if found else None)


def quoted_reference(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The author's own sentence given out as the passage's."""
    return _requoted(case, rng, re.split(r"(?<=\.)\s", case.task["reference_answer"])[0][:200])


def scrap_quote(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A quote of one word proves nothing."""
    tokens = list(re.findall(r"[A-Za-z]{6,}", case.passage))
    return _requoted(case, rng, rng.choice(tokens))


def one_quote_for_all(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Every criterion that earns credit rests on the same quote."""
    found = criteria(case)
    kept, quote = positive(found), rng.choice(positive(found))["evidence"][:1]
    for one in kept:
        one["evidence"] = list(quote)
    return changed(case, criteria=found) if len(kept) >= 4 else None


def one_sentence_for_all(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Every criterion that earns credit rests on nearly the same stretch, a few words more or less."""
    found = criteria(case)
    kept, tokens = positive(found), [m.span() for m in re.finditer(r"\S+", case.passage)]
    first = rng.randrange(max(len(tokens) - 30, 1))
    if len(kept) < 4 or len(tokens) < 35:
        return None
    for number, one in enumerate(kept):
        one["evidence"] = [case.passage[tokens[first][0] : tokens[first + 20 + number][1]]]
    return changed(case, criteria=found)


def _with_tail(case: Case, rng: Random, tail: str) -> Case | None:
    def change(one: dict) -> None:  # type: ignore[type-arg]
        one["description"] = one["description"].rstrip(". ") + f" {tail}."

    return one_changed(case, rng, lambda found: [one for one in positive(found) if len(one["description"]) < 250], change)


def invented_number(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A description with a number that stands nowhere."""
    tails = ["in about 37 of all cases", "by a factor of 6.8", "since 1987", "in 1,250 runs", "at version 9.31"]
    return _with_tail(case, rng, rng.choice(tails))


def invented_quantity(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A description with a number and a unit that stand nowhere."""
    return _with_tail(case, rng, rng.choice(["within 73 ms", "by 41 %", "above 640 °C", "at 27 kHz", "after 19 hours", "for 350 dollars"]))


def spelt_quantity(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The same with the number written as a word."""
    tails = [
        "by forty percent",
        "within seventy milliseconds",
        "after thirty hours",
        "by a factor of seventeen",
        "in ninety percent of cases",
    ]
    return _with_tail(case, rng, rng.choice(tails))


def invented_element(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A number among the required elements that stands nowhere."""
    element = rng.choice(["a value of 6.02", "exactly 137 entries", "47 %", "the year 1972", "86 MB"])
    return one_changed(case, rng, positive, lambda one: one.update(required_elements=[*one["required_elements"][:2], element]))


def other_unit(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A number of the passage with a unit that is not its own."""
    found = re.search(r"(?:\S+\s+){3}(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])(?:\s+\S+){2}", case.passage)
    if found is None:
        return None
    unit = rng.choice(["kg", "MHz", "°C", "km", "kW", "mol", "litres"])

    def change(one: dict) -> None:  # type: ignore[type-arg]
        one.update(evidence=[found.group()], description=f"Names {found.group(1)} {unit} as the decisive value.")

    return one_changed(case, rng, positive, change)
