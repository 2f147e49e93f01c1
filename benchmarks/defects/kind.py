"""A kind of defect."""

from dataclasses import dataclass

from benchmarks.defects.case import Spoil


@dataclass(frozen=True)
class Kind:
    """How a defect is made, and the gates (or reasons of the author stage) of which one has to name it."""

    spoil: Spoil
    gates: tuple[str, ...]
