"""A task as an author writes it, with its passage; and how a defect is made from it."""

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from random import Random
from typing import Any

Written = dict[str, Any]
Criteria = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """title and passage of a document, and one task over it, in the form of an author's reply."""

    title: str
    passage: str
    task: Written


# A case to spoil, the other good cases, and chance; None where the case has nothing to spoil in this way.
Spoil = Callable[[Case, Sequence[Case], Random], Case | None]


def changed(case: Case, **fields: Any) -> Case:
    """The case with other fields of its task."""
    return replace(case, task={**deepcopy(case.task), **fields})


def criteria(case: Case) -> Criteria:
    """The criteria of a case, to be changed at will."""
    return deepcopy(case.task["criteria"])


def positive(found: Criteria) -> Criteria:
    """Those that earn credit."""
    return [one for one in found if one["category"] != "pitfall"]


def pitfalls(found: Criteria) -> Criteria:
    """Those that cost credit."""
    return [one for one in found if one["category"] == "pitfall"]


def lowered(text: str) -> str:
    """A sentence as it goes on after other words: first letter small unless it begins a name, no full stop."""
    text = text.rstrip(". ")
    return text if re.match(r"[A-Z]{2}|[A-Z]\w*[A-Z]", text) else text[:1].lower() + text[1:]


def claim(text: str) -> str:
    """What a description claims: the words behind its 'that', or behind its verb."""
    _, that, rest = text.rstrip(". ").partition(" that ")
    return rest if that else text.rstrip(". ").partition(" ")[2]


def one_changed(case: Case, rng: Random, among: Callable[[Criteria], Criteria], change: Callable[[dict[str, Any]], None]) -> Case | None:
    """The case with one criterion, drawn among some, changed in place."""
    found = criteria(case)
    drawn = among(found)
    if not drawn:
        return None
    change(rng.choice(drawn))
    return changed(case, criteria=found)
