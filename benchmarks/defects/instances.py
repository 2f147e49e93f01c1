"""All instances of every kind, the same each time: cases in order, chance from kind and number."""

from collections.abc import Iterator, Sequence
from random import Random

from benchmarks.defects.case import Case
from benchmarks.defects.fresh import FRESH
from benchmarks.defects.more import MORE
from benchmarks.defects.table import KINDS
from benchmarks.defects.unseen import UNSEEN

EVERY = KINDS | FRESH | MORE | UNSEEN

INSTANCES = 24


def instances(kind: str, cases: Sequence[Case]) -> Iterator[tuple[int, Case]]:
    """(number of the case, defect): at most INSTANCES, fewer where a kind fits few cases; none that left its case as it was.

    asked_again is the case itself, since there the defect is the repetition.
    """
    made = 0
    for number in range(len(cases) * 4):
        if made == INSTANCES:
            return
        at = number % len(cases)
        others = [case for place, case in enumerate(cases) if place != at]
        found = EVERY[kind].spoil(cases[at], others, Random(f"{kind}/{number}"))
        if found is not None and (found != cases[at] or kind == "asked_again"):
            made += 1
            yield at, found
