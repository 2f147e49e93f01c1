"""Unseen defects of figures: those that come from nowhere."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from benchmarks.defects.case import Case, Criteria, positive
from benchmarks.defects.kind import Kind
from benchmarks.defects.unseen_parts import set_in_one

_FIGURES = ("numbers",)


def _figure(forms: Sequence[str], key: str = "description") -> Callable[[dict[str, Any], Case, Random], bool]:
    """A figure {n} or {d} that stands nowhere in the case, put behind a text."""

    def change(one: dict[str, Any], case: Case, rng: Random) -> bool:
        known = case.passage + case.task["question"] + case.task["reference_answer"]
        able = [n for n in (12, 15, 18, 24, 35, 37, 40, 48, 60, 64, 70, 75, 85, 96) if str(n) not in known]
        behind = rng.choice(forms).format(
            n=rng.choice(able), d=f"{rng.randint(3, 8)}.{rng.choice([1, 3, 4, 6, 8])}", y=rng.randint(1994, 2019)
        )
        if key == "description":
            one[key] = f"{one[key].rstrip('.')}{behind}"
        elif key == "scoring_guide":
            one[key] = [*one[key][:-1], f"{one[key][-1].rstrip('.')}{behind}"]
        else:
            one[key] = [f"{one[key][0]}{behind}"]
        return True

    return change


def _figures(one: dict[str, Any]) -> list[str]:
    """The plain figures of a criterion."""
    return re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w.]*\w)", " ".join([one["description"], *one["required_elements"]]))


def _with_figures(found: Criteria) -> Criteria:
    """Those that name a figure."""
    return [one for one in positive(found) if _figures(one)]


def _misread_figure(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A figure of the evidence comes out different in the criterion."""
    old = rng.choice(_figures(one))
    known = case.passage + case.task["question"]
    value = float(old)
    able = [new for new in (f"{made:g}" for made in (value * 10, value * 2, value + 2, value + 1, value * 3)) if new not in known]
    if not able:
        return False
    new = rng.choice(able)
    one["description"] = re.sub(rf"(?<![\w.]){re.escape(old)}(?!\w)", new, one["description"])
    one["required_elements"] = [re.sub(rf"(?<![\w.]){re.escape(old)}(?!\w)", new, text) for text in one["required_elements"]]
    return True


NUMBERS: dict[str, Kind] = {
    "unseen_example_figure": Kind(
        set_in_one(
            _figure(
                [
                    ", by about {n} %.",
                    ", for example within {n} ms.",
                    ", typically after some {n} seconds.",
                    " (in roughly {n} % of all cases).",
                    ", say for {n} MB of data.",
                ]
            ),
        ),
        _FIGURES,
    ),
    "unseen_version": Kind(
        set_in_one(
            _figure(
                [
                    ", as of version {d}.",
                    ", which was introduced in release {d}.",
                    " (since {y}).",
                    ", true from {y} on.",
                    ", valid for version {d} and later.",
                ]
            )
        ),
        _FIGURES,
    ),
    "unseen_element_figure": Kind(
        set_in_one(
            _figure([" of {n} ms", " ({n} %)", ", at least {n} times", " above {n} GB", " within {n} seconds"], "required_elements")
        ),
        _FIGURES,
    ),
    "unseen_level_figure": Kind(
        set_in_one(
            _figure(
                [
                    ", and puts its share at {n} %.",
                    ", and gives {n} ms.",
                    ", for up to {n} bytes.",
                    ", naming a limit of {n} MB.",
                    ", with the {n} s it takes.",
                ],
                "scoring_guide",
            )
        ),
        _FIGURES,
    ),
    "unseen_misread_figure": Kind(set_in_one(_misread_figure, _with_figures), _FIGURES),
}
