"""Parts that the unseen defects share: sentences, claims, and how a form is filled with the words of a case."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from benchmarks.defects.case import Case, Criteria, Spoil, changed, claim, criteria, one_changed, pitfalls, positive

LONGEST_QUESTION = 590
LONGEST_DESCRIPTION = 300


def sentences(text: str) -> list[str]:
    """The sentences of a text, headings and lists left out."""
    flat = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    found = [one.strip() for part in flat for one in re.split(r"(?<=[.!?])\s+(?=[A-Z])", part)]
    return [one for one in found if one.endswith(".") and len(one.split()) > 4]


def small(text: str) -> str:
    """A sentence as it goes on behind a colon or a comma: no full stop, first letter small unless it begins a name."""
    text = text.rstrip(".? ")
    first = text.split()[0]
    name = re.search(r"[A-Z_].*[A-Z]", first) or first in {"Linux", "Apache", "Astropy's", "UTC"}
    return text if name else text[:1].lower() + text[1:]


def clausal(one: dict[str, Any]) -> bool:
    """Whether a description claims a whole clause: a verb, then 'that'."""
    return re.match(r"[A-Z]\w+(?: out)? that ", one["description"]) is not None


def claims(found: Criteria) -> list[str]:
    """What the descriptions claim, of those that claim a whole clause."""
    return [claim(one["description"]) for one in found if clausal(one)]


def noun(element: str) -> bool:
    """Whether an element reads as the name of a thing."""
    unlike = r"\b(?:is|are|as|may|must|not|over|restart|left|too|no|or|of p|unrestricted|lost|required|gone)\b|[a-z]{2}ed\b|(?:ly|late)$"
    return re.search(unlike, element) is None


def filled(form: str, case: Case, **words: str) -> Case | None:
    """The case with its question in a form; {asked} goes on from the form, behind all sentences but the last one."""
    text = case.task["question"]
    head, last = "", text
    if "{asked}" in form:
        *before, last = re.split(r"(?<=[.?]) (?=[A-Z])", text)
        head = "".join(f"{one} " for one in before)
    made = head + form.format(question=text, asked=small(last) + last[-1], title=case.title, **words)
    return changed(case, question=made) if len(made) <= LONGEST_QUESTION else None


def asked(forms: Sequence[str]) -> Spoil:
    """Questions from forms with {question}, {asked}, {title}, {claim}, {more}, {slip}, {element}, {another}."""

    def spoil(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
        form = rng.choice(forms)
        found = positive(criteria(case))
        good, bad = claims(found), claims(pitfalls(criteria(case)))
        if len(good) < 2 or not bad:
            return None
        one, more = rng.sample(good, 2)
        elements = [text for text in (each["required_elements"][0] for each in found) if noun(text)]
        if len(elements) < 2:
            return None
        element, another = rng.sample(elements, 2)
        return filled(form, case, claim=one, more=more, slip=rng.choice(bad), element=element, another=another)

    return spoil


def asked_of_all(forms: Sequence[str]) -> Spoil:
    """Questions from forms with {question}, {asked} and {title} alone: every case has these."""

    def spoil(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
        return filled(rng.choice(forms), case)

    return spoil


def described(forms: Sequence[str], among: Callable[[Criteria], Criteria] = positive) -> Spoil:
    """Descriptions from forms with {claim} (its own), {other} (of another positive one), {text}, {element}, {another}, {name}."""

    def spoil(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
        found = criteria(case)
        able = [one for one in among(found) if clausal(one)]
        if not able:
            return None
        one = rng.choice(able)
        rest = [each for each in positive(found) if each is not one and clausal(each)]
        if not rest:
            return None
        other = rng.choice(rest)
        one["description"] = rng.choice(forms).format(
            claim=claim(one["description"]),
            other=claim(other["description"]),
            text=one["description"].rstrip("."),
            element=one["required_elements"][0],
            another=other["required_elements"][0],
            name=one["title"],
        )
        return changed(case, criteria=found) if len(one["description"]) <= LONGEST_DESCRIPTION else None

    return spoil


def set_in_one(change: Callable[[dict[str, Any], Case, Random], bool], among: Callable[[Criteria], Criteria] = positive) -> Spoil:
    """One criterion changed with chance and case at hand; None where the change says that it does not fit."""

    def spoil(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
        fits: list[bool] = []
        made = one_changed(case, rng, among, lambda one: fits.append(change(one, case, rng)))
        return made if fits == [True] else None

    return spoil


def essential(found: Criteria) -> Criteria:
    """Those without which no answer is right."""
    return [one for one in found if one["category"] == "essential"]
