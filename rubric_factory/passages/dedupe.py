"""Near-duplicates: candidates of LSH, decided by real Jaccard similarity, as connected components that can be continued.

Two sets are joined iff they share a band, their signatures' estimate is within MARGIN of the threshold, and their real similarity reaches
it. That is a property of the pair alone: components do not depend on order, and those of before, none of whose members is gone, stand.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rubric_factory.passages.lsh import MARGIN, PERMUTATIONS, Buckets, Positions, Signatures, band_keys, band_rows, estimates, signatures
from rubric_factory.passages.shingles import Hashes, jaccard

# Hashes that are held at once while pairs are compared: 32 MB.
HELD_HASHES = 8_000_000


class Sets(Protocol):
    """Sets by position, read when they are compared."""

    def sizes(self, wanted: Positions) -> Positions:
        """Number of hashes of each wanted set."""
        ...

    def sets(self, wanted: Positions) -> list[Hashes]:
        """The wanted sets, in the order asked for."""
        ...


class Held:
    """Sets that are in memory anyway."""

    def __init__(self, sets: Sequence[Hashes]) -> None:
        self._sets = sets

    def sizes(self, wanted: Positions) -> Positions:
        """Number of hashes of each wanted set."""
        return np.asarray([len(self._sets[at]) for at in wanted], dtype=np.int64)

    def sets(self, wanted: Positions) -> list[Hashes]:
        """The wanted sets."""
        return [self._sets[at] for at in wanted]


class Components:
    """Connected components: parent pointers towards the smallest member."""

    def __init__(self, labels: Positions) -> None:
        """labels: of each position a member of its component, itself if it stands alone."""
        self.labels = labels.copy()
        self._flatten()

    def join(self, left: Positions, right: Positions) -> None:
        """Make the components of each pair one."""
        if not len(left):
            return
        parents = self.labels.tolist() if len(left) * 50 > len(self.labels) else None
        if parents is None:
            for one, other in zip(left.tolist(), right.tolist(), strict=True):
                _link(self.labels, one, other)
        else:
            for one, other in zip(left.tolist(), right.tolist(), strict=True):
                _link(parents, one, other)
            self.labels = np.asarray(parents, dtype=np.int64)
        self._flatten()

    def _flatten(self) -> None:
        while not np.array_equal(further := self.labels[self.labels], self.labels):
            self.labels = further


def _link(parents: "list[int] | Positions", one: int, other: int) -> None:
    one, other = _root(parents, one), _root(parents, other)
    if one != other:
        parents[max(one, other)] = min(one, other)


def _root(parents: "list[int] | Positions", at: int) -> int:
    while (above := int(parents[at])) != at:
        parents[at] = parents[above]
        at = above
    return at


def link_equal(components: Components, keys: npt.NDArray[np.int64]) -> None:
    """Join positions of equal keys; key 0 is none."""
    at = np.flatnonzero(keys != 0)
    order = at[np.argsort(keys[at], kind="stable")]
    same = keys[order][1:] == keys[order][:-1]
    components.join(order[:-1][same], order[1:][same])


class Comparison:
    """One search for near-duplicates among n sets. new: those whose pairs are not known yet; all pairs of the others are."""

    def __init__(self, sets: Sets, known: Signatures, new: npt.NDArray[np.bool_], threshold: float) -> None:
        self.sets, self.known, self.new, self.threshold = sets, known, new, threshold
        self._refused = np.empty(0, dtype=np.int64)
        self._refusing: list[Positions] = []

    def run(self, components: Components) -> None:
        """Join what is near, band by band."""
        rows = band_rows(self.threshold)
        for band in range(PERMUTATIONS // rows):
            buckets = Buckets(band_keys(self.known, band, rows), self.new)
            buckets.drop_settled(components.labels)
            for left, right in buckets.stars():
                self._decide(components, left, right)
            buckets.drop_settled(components.labels)
            for left, right in buckets.rest():
                self._decide(components, left, right)
            self._refused = np.unique(np.concatenate([self._refused, *self._refusing]))  # no band proposes a pair twice
            self._refusing.clear()

    def _decide(self, components: Components, left: Positions, right: Positions) -> None:
        """Compare pairs that nothing connects yet, and join those that are near enough."""
        left, right = self._open(components, left, right)
        near = estimates(self.known, left, right) >= self.threshold - MARGIN
        left, right = left[near], right[near]
        while len(left):
            count = self._block(left, right)
            similar = self.similar(left[:count], right[:count])
            components.join(left[:count][similar], right[:count][similar])
            self._refusing.append(self._codes(left[:count][~similar], right[:count][~similar]))
            left, right = self._open(components, left[count:], right[count:])

    def _open(self, components: Components, left: Positions, right: Positions) -> tuple[Positions, Positions]:
        """Pairs with a new member, in different components, not refused before."""
        labels = components.labels
        keep = (labels[left] != labels[right]) & (self.new[left] | self.new[right])
        left, right = left[keep], right[keep]
        if len(left) and len(self._refused):
            codes = self._codes(left, right)
            found = np.minimum(np.searchsorted(self._refused, codes), len(self._refused) - 1)
            keep = self._refused[found] != codes
            left, right = left[keep], right[keep]
        return left, right

    def _codes(self, left: Positions, right: Positions) -> Positions:
        return np.minimum(left, right) * len(self.new) + np.maximum(left, right)

    def _block(self, left: Positions, right: Positions) -> int:
        """As many pairs from the front as may be held at once, at least one."""
        part = slice(0, 20_000)
        held = np.cumsum(self.sets.sizes(left[part]) + self.sets.sizes(right[part]))
        return max(1, int(np.searchsorted(held, HELD_HASHES, side="right")))

    def similar(self, left: Positions, right: Positions) -> npt.NDArray[np.bool_]:
        """Whether the real similarity of each pair reaches the threshold."""
        return similarities(self.sets, left, right) >= self.threshold


def similarities(sets: Sets, left: Positions, right: Positions) -> npt.NDArray[np.float64]:
    """Jaccard similarity of each pair; each set is read once."""
    wanted, where = np.unique(np.concatenate((left, right)), return_inverse=True)
    held = sets.sets(wanted)
    half = len(left)
    return np.asarray(
        [jaccard(held[a], held[b]) for a, b in zip(where[:half].tolist(), where[half:].tolist(), strict=True)], dtype=np.float64
    )


def near_duplicates(sets: Sequence[Hashes], threshold: float) -> Positions:
    """Label of each set: the smallest position in its component, where sets of Jaccard similarity >= threshold are joined.

    sets: n non-empty sorted distinct hashes. Pairs come from shared LSH bands (recall RECALL at the threshold, more above it) and count
    only if their real similarity reaches the threshold; pairs already connected are not compared again, which changes no component.
    """
    components = Components(np.arange(len(sets)))
    Comparison(Held(sets), signatures(sets), np.ones(len(sets), dtype=bool), threshold).run(components)
    return components.labels


def near_pairs(sets: Sequence[Hashes], others: Sequence[Hashes], threshold: float) -> list[tuple[int, int]]:
    """(position in sets, position in others) of every pair of Jaccard similarity >= threshold, ascending; found as in near_duplicates.

    Both: sorted distinct hashes; empty ones are near to nothing.
    """
    both = [*sets, *others]
    full = np.asarray([at for at, one in enumerate(both) if len(one)], dtype=np.int64)
    known, old = signatures([both[at] for at in full]), full >= len(sets)
    rows = band_rows(threshold)
    found: set[tuple[int, int]] = set()
    for band in range(PERMUTATIONS // rows):
        buckets = Buckets(band_keys(known, band, rows), ~old)
        for left, right in (pairs for way in (buckets.stars(), buckets.rest()) for pairs in way):
            keep = old[left] != old[right]
            left, right = np.where(old[left], right, left)[keep], np.where(old[left], left, right)[keep]
            near = estimates(known, left, right) >= threshold - MARGIN
            found.update(zip(full[left[near]].tolist(), full[right[near]].tolist(), strict=True))
    return sorted((one, other - len(sets)) for one, other in found if jaccard(both[one], both[other]) >= threshold)
