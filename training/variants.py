"""The controls: rubrics permuted over tasks, rewards shuffled within a group. Pure and seeded."""

import random
from collections.abc import Sequence


def derangement(ids: Sequence[str], seed: int) -> dict[str, str]:
    """A seeded permutation of the ids without fixed points: whose rubric and passage grade whose responses.

    A random cyclic order (Sattolo). Fewer than two ids: ValueError.
    """
    if len(ids) < 2:
        raise ValueError(f"{len(ids)} tasks cannot be permuted")
    order = sorted(ids)
    generator = random.Random(seed)
    for last in range(len(order) - 1, 0, -1):
        other = generator.randrange(last)
        order[last], order[other] = order[other], order[last]
    return dict(zip(order, [*order[1:], order[0]], strict=True))


def shuffled_within_groups(rewards: Sequence[float | None], groups: Sequence[str], seed: int) -> list[float | None]:
    """Rewards permuted among the rollouts of the same group; the multiset of each group is unchanged."""
    generator = random.Random(seed)
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    out = list(rewards)
    for indices in members.values():
        drawn = indices[:]
        generator.shuffle(drawn)
        for target, source in zip(indices, drawn, strict=True):
            out[target] = rewards[source]
    return out
