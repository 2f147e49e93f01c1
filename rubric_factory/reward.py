"""Verdicts to one number: the canonical reward and its alternatives, pure, by name.

Every function takes weights w_k (signed, non-zero, at least one positive), levels s_k and maxima s_max,k of one response, all of
length K, and returns a float. A missing grade is not representable here: the caller decides by the failure algebra before it aggregates.
"""

import math
from collections.abc import Callable, Sequence

from rubric_factory.records import Judgement, Rubric

Aggregation = Callable[[Sequence[float], Sequence[float], Sequence[float]], float]


def _checked(weights: Sequence[float], levels: Sequence[float], maxima: Sequence[float]) -> list[float]:
    """Shares s_k / s_max,k in [0, 1]. Errors: ValueError on unequal lengths, a level outside [0, max], no positive weight."""
    if not len(weights) == len(levels) == len(maxima):
        raise ValueError(f"weights, levels and maxima differ in length: {len(weights)}, {len(levels)}, {len(maxima)}")
    if not any(w > 0 for w in weights):
        raise ValueError("no positive weight")
    for level, maximum in zip(levels, maxima, strict=True):
        if not (maximum > 0 and 0 <= level <= maximum):
            raise ValueError(f"level {level} is not within 0 .. {maximum}")
    return [level / maximum for level, maximum in zip(levels, maxima, strict=True)]


def canonical(weights: Sequence[float], levels: Sequence[float], maxima: Sequence[float]) -> float:
    """r = sum_k w_k s_k/s_max,k / sum_{w>0} w_k. Source: arXiv 2605.08061, signed form ours.

    Range [-sum_{w<0}|w| / sum_{w>0} w, 1]; [0, 1] with positive weights only. Unclipped.
    """
    shares = _checked(weights, levels, maxima)
    return math.fsum(w * g for w, g in zip(weights, shares, strict=True)) / math.fsum(w for w in weights if w > 0)


def rar_explicit(weights: Sequence[float], levels: Sequence[float], maxima: Sequence[float]) -> float:
    """r = sum |w_k| c_k / sum |w_k|, c_k = 1 for full credit (a pitfall: when absent), else 0. Source: arXiv 2507.17746. Range [0, 1]."""
    shares = _checked(weights, levels, maxima)
    credit = [abs(w) if (g == 1.0 if w > 0 else g == 0.0) else 0.0 for w, g in zip(weights, shares, strict=True)]
    return math.fsum(credit) / math.fsum(abs(w) for w in weights)


def signed(weights: Sequence[float], levels: Sequence[float], maxima: Sequence[float]) -> float:
    """R = [sum_{w>0} w g + sum_{w<0} |w| (1 - g)] / sum |w|. Source: arXiv 2605.12474. Range [0, 1]."""
    shares = _checked(weights, levels, maxima)
    total = math.fsum(w * g if w > 0 else -w * (1 - g) for w, g in zip(weights, shares, strict=True))
    return total / math.fsum(abs(w) for w in weights)


def all_pass(weights: Sequence[float], levels: Sequence[float], maxima: Sequence[float]) -> float:
    """1 when every positive criterion has full credit and no negative one is met at all, else 0. Range {0, 1}."""
    shares = _checked(weights, levels, maxima)
    return float(all(g == 1.0 if w > 0 else g == 0.0 for w, g in zip(weights, shares, strict=True)))


AGGREGATIONS: dict[str, Aggregation] = {"canonical": canonical, "rar_explicit": rar_explicit, "signed": signed, "all_pass": all_pass}


def reward_of(rubric: Rubric, judgement: Judgement, aggregation: str = "canonical") -> float | None:
    """Reward of a judged response, None where any criterion has no grade (coverage floor 1.0).

    Errors: ValueError when the verdicts are not exactly the rubric's criteria.
    """
    keys = [c.criterion_key for c in rubric.criteria]
    levels = {v.criterion_key: v.level for v in judgement.verdicts}
    if judgement.failure is not None and not judgement.verdicts:
        return None
    if len(judgement.verdicts) != len(keys) or set(levels) != set(keys):
        raise ValueError(f"verdicts on {sorted(levels)}, expected exactly {sorted(keys)}")
    found = [levels[key] for key in keys]
    graded = [level for level in found if level is not None]
    if len(graded) != len(found):
        return None
    return AGGREGATIONS[aggregation]([c.weight for c in rubric.criteria], graded, [c.max_level for c in rubric.criteria])


def clipped(reward: float) -> float:
    """Reward clipped to [0, 1]: for reported means only, never in training."""
    return min(1.0, max(0.0, reward))
