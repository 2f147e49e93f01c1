"""Defects of single criteria and of rubrics as a whole: several claims in one, one claim twice, upside down, copied."""

import re
from collections.abc import Callable, Sequence
from random import Random

from benchmarks.defects.case import Case, changed, claim, criteria, lowered, one_changed, pitfalls, positive


def _joined(case: Case, rng: Random, join: Callable[[str, str], str]) -> Case | None:
    found = criteria(case)
    first, second = rng.sample(positive(found), 2)
    first["description"] = join(first["description"].rstrip(". "), second["description"])
    found.remove(second)
    return changed(case, criteria=found) if len(found) >= 4 and len(first["description"]) <= 300 else None


def two_verbs(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Two descriptions joined by 'and'."""
    return _joined(case, rng, lambda one, two: f"{one}{rng.choice([', and ', ' and '])}{lowered(two)}.")


def two_clauses(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """'States that … and that …'."""
    return _joined(case, rng, lambda one, two: f"States that {claim(one)} and that {claim(two)}.")


def semicolon(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Two descriptions with a semicolon between them."""
    return _joined(case, rng, lambda one, two: f"{one}; {lowered(two)}.")


def two_sentences(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Two descriptions, one after the other."""
    return _joined(case, rng, lambda one, two: f"{one}. {two}")


def as_well_as(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Two things joined by 'as well as' and the like."""
    link = rng.choice(["as well as", "and also", "in addition to", "along with"])

    def join(one: str, two: str) -> str:
        return f"{one}, {link} the fact that {claim(two)}."

    return _joined(case, rng, join)


def enumeration(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A list of three things to name."""
    elements = [lowered(one["required_elements"][0]) for one in positive(criteria(case))][:3]
    text = rng.choice(["Names {}, {} and {}.", "Mentions {}, {}, and {}.", "Covers all of these: {}, {}, {}."]).format(*elements)
    return one_changed(case, rng, positive, lambda one: one.update(description=text))


def numbered_list(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A numbered list in one description."""
    form = rng.choice(["Covers (1) {} (2) {}.", "Explains (a) {} (b) {}.", "States i) {} ii) {}."])
    elements = [lowered(one["required_elements"][0]) for one in positive(criteria(case))][:2]
    return one_changed(case, rng, positive, lambda one: one.update(description=form.format(*elements)))


def copied_criterion(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A criterion twice, under two titles."""
    found = criteria(case)
    source, target = rng.sample(positive(found), 2)
    target.update(description=source["description"], required_elements=source["required_elements"], evidence=source["evidence"])
    return changed(case, criteria=found)


def reworded_criterion(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A criterion twice, the second time with another verb in front."""
    found = criteria(case)
    source, target = rng.sample(positive(found), 2)
    verb = rng.choice(["Makes clear that", "Tells the reader that", "Brings out that", "The answer says that"])
    target.update(description=f"{verb} {claim(source['description'])}.")
    return changed(case, criteria=found)


def same_elements(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Two criteria that demand the same elements."""
    found = criteria(case)
    source, target = rng.sample(positive(found), 2)
    target["required_elements"] = list(source["required_elements"])
    return changed(case, criteria=found)


def pitfall_avoided(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A pitfall that describes the absence of the mistake."""

    def change(one: dict) -> None:  # type: ignore[type-arg]
        start = rng.choice(["Avoids the mistake:", "Does not make this mistake:", "Refrains from this:", "Never says this:"])
        one["description"] = f"{start} {lowered(one['description'])}."

    return one_changed(case, rng, pitfalls, change)


def pitfall_praised(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A pitfall that describes something good."""

    def change(one: dict) -> None:  # type: ignore[type-arg]
        one["description"] = f"{rng.choice(['Correctly', 'Accurately', 'Properly', 'Rightly'])} states that {claim(one['description'])}."

    return one_changed(case, rng, pitfalls, change)


def mistake_rewarded(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Credit for a mistake."""
    verb = rng.choice(["Confuses the point that", "Fails to state that", "Wrongly denies that", "Omits that", "Contradicts that"])
    return one_changed(case, rng, positive, lambda one: one.update(description=f"{verb} {claim(one['description'])}."))


def guides_upside_down(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Scoring guides that begin with full credit."""
    found = criteria(case)
    for one in positive(found):
        one["scoring_guide"].reverse()
    return changed(case, criteria=found)


def pitfall_guide_upside_down(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The highest level of a pitfall says that the mistake is not there."""
    return one_changed(case, rng, pitfalls, lambda one: one["scoring_guide"].reverse())


def reference_sentence(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A sentence of the reference answer as a criterion."""
    found = [part for part in re.split(r"(?<=[.!?])\s+", case.task["reference_answer"]) if len(part.split()) >= 16 and len(part) < 270]
    if not found:
        return None
    form = rng.choice(["{}", "States that {}", "The answer says: {}"])
    return one_changed(case, rng, positive, lambda one: one.update(description=form.format(rng.choice(found))))


def reference_cut_off(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """As much of the reference answer as a description can hold."""
    text = case.task["reference_answer"][:295].rsplit(" ", 1)[0]
    return one_changed(case, rng, positive, lambda one: one.update(description=text))
