"""Defects written blind to the gates, to mend the gates on. What the others are made with."""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from benchmarks.defects.case import Case, Criteria, changed, criteria

Criterion = dict[str, Any]

_SMALL = ("A", "An", "The", "In", "Why", "How", "What", "Which", "When", "Under", "You", "On", "For", "With", "If", "Explain", "Compare")


def sentences(text: str) -> list[str]:
    """The sentences of a text, those that read as one."""
    found = (one.strip() for part in text.split("\n") for one in re.split(r"(?<=[.?!]) +(?=[A-Z‘“])", part))
    return [one for one in found if len(one.split()) >= 6 and one[0].isupper() and one.endswith((".", "?", "!"))]


def claimed(found: Criteria) -> list[tuple[Criterion, str]]:
    """Those that earn credit and whose description claims something, each with the claim."""
    split = ((one, one["description"].rstrip(". ").partition(" that ")) for one in found if one["category"] != "pitfall")
    return [(one, claim) for one, (verb, _, claim) in split if claim and len(verb.split()) <= 2 and len(claim.split()) >= 4]


def texts(task: dict[str, Any]) -> Iterator[str]:
    """All that is said in a task."""
    yield task["question"]
    yield task["reference_answer"]
    for one in task["criteria"]:
        yield one["description"]
        yield from one["evidence"]


def unsaid(case: Case, rng: Random, numbers: range) -> int:
    """A number that neither the passage nor the task has."""
    said = case.passage + " ".join(texts(case.task))
    return rng.choice([number for number in numbers if str(number) not in said])


def where(case: Case, rng: Random, fits: Callable[[Criterion], bool], change: Callable[[Criterion], None]) -> Case | None:
    """The case with one fitting criterion changed."""
    found = criteria(case)
    drawn = [one for one in found if fits(one)]
    if not drawn:
        return None
    change(rng.choice(drawn))
    return changed(case, criteria=found)


def earning(one: Criterion) -> bool:
    """Whether a criterion earns credit."""
    return bool(one["category"] != "pitfall")


def penal(one: Criterion) -> bool:
    """Whether a criterion costs credit."""
    return bool(one["category"] == "pitfall")


def any_of(one: Criterion) -> bool:
    """Every criterion fits."""
    return True


def ended(text: str, tail: str) -> str:
    """A sentence with more words before its full stop."""
    return text.rstrip(". ") + tail + "."


def after(words: str, question: str) -> str:
    """Words, then a question that goes on from them."""
    first, gap, rest = question.partition(" ")
    return f"{words} {first.lower() if first in _SMALL else first}{gap}{rest}"
