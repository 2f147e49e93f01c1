"""What every aggregation reads: one response's credit on each criterion of its rubric."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rubric_factory.records import Category


@dataclass(frozen=True, slots=True)
class Grades:
    """weights w_k (signed, non-zero, at least one positive), shares g_k = s_k / s_max,k in [0, 1], categories; all of length K.

    A negative criterion describes the bad thing: its share says how far that is there. A missing grade is not representable here:
    the caller decides by the failure algebra before it aggregates.
    """

    weights: tuple[float, ...]
    shares: tuple[float, ...]
    categories: tuple[Category, ...]

    def __post_init__(self) -> None:
        if not len(self.weights) == len(self.shares) == len(self.categories):
            raise ValueError(f"lengths differ: {len(self.weights)} weights, {len(self.shares)} shares, {len(self.categories)} categories")
        if not any(w > 0 for w in self.weights) or not all(self.weights):
            raise ValueError("weights are non-zero and at least one is positive")
        if not all(0 <= g <= 1 for g in self.shares):
            raise ValueError(f"shares outside [0, 1]: {self.shares}")

    @classmethod
    def of(
        cls, weights: Sequence[float], levels: Sequence[float], maxima: Sequence[float], categories: Sequence[Category] | None = None
    ) -> "Grades":
        """Grades of levels 0 .. maximum. categories: by sign alone (important, pitfall) where none are given.

        Errors: ValueError on unequal lengths, a level outside [0, maximum], no positive weight.
        """
        for level, maximum in zip(levels, maxima, strict=True):
            if not (maximum > 0 and 0 <= level <= maximum):
                raise ValueError(f"level {level} is not within 0 .. {maximum}")
        named = categories or [Category.IMPORTANT if w > 0 else Category.PITFALL for w in weights]
        return cls(tuple(weights), tuple(level / top for level, top in zip(levels, maxima, strict=True)), tuple(named))

    @property
    def goodness(self) -> tuple[float, ...]:
        """g_k, and 1 - g_k where the weight is negative: how far each criterion is as it should be, in [0, 1]."""
        return tuple(g if w > 0 else 1 - g for w, g in zip(self.weights, self.shares, strict=True))

    @property
    def positive(self) -> float:
        """W = sum of the positive weights, > 0."""
        return float(sum(w for w in self.weights if w > 0))

    @property
    def penalty(self) -> float:
        """sum_{w<0} |w| g / W >= 0: what bad things cost, in units of the canonical reward."""
        return sum(-w * g for w, g in zip(self.weights, self.shares, strict=True) if w < 0) / self.positive


Aggregation = Callable[[Grades], float]
