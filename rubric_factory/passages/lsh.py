"""MinHash signatures, one byte a permutation, and the pairs that locality-sensitive hashing proposes, band by band.

Sources: Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3 (banding); Li and König 2010 (low bits suffice).
The low byte of each minimum is kept: 128 bytes a set hold both the bands' keys and an estimate of every pair's similarity.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from rubric_factory.errors import MissingExtraError
from rubric_factory.passages.shingles import Hashes

Signatures = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]

PERMUTATIONS = 128
_ROW = struct.Struct(f"<{PERMUTATIONS}I")  # numbers to bytes in a third of numpy's time
SEED = 20_241
# Chance that a pair right at the threshold becomes a candidate.
RECALL = 0.995
# The signature's estimate of the similarity has a standard error of at most 0.045; a candidate this far below is not looked at.
MARGIN = 0.18
ROWS_AT_ONCE = 2_000
PAIRS_AT_ONCE = 100_000
# Up to this many members, all pairs of all buckets of one size are made at once.
SMALL_BUCKET = 32


def band_rows(threshold: float) -> int:
    """Rows per band: as many as still make a pair at the threshold a candidate with chance RECALL; fewer rows, more candidates."""

    def recall(rows: int) -> float:
        return float(1 - (1 - threshold**rows) ** (PERMUTATIONS // rows))

    return max((rows for rows in range(1, PERMUTATIONS + 1) if recall(rows) >= RECALL), default=1)


def signatures(sets: Sequence[Hashes]) -> Signatures:
    """MinHash signatures, low bytes, (len(sets), PERMUTATIONS); of an empty set all zero. Errors: MissingExtraError."""
    try:
        from rensa import RMinHash
    except ImportError:
        raise MissingExtraError.of("rensa", "pipeline") from None
    found = np.zeros((len(sets), PERMUTATIONS), dtype=np.uint8)
    full = [at for at, one in enumerate(sets) if len(one)]
    for start in range(0, len(full), ROWS_AT_ONCE):
        part = full[start : start + ROWS_AT_ONCE]
        offsets = np.cumsum([0, *(len(sets[at]) for at in part)], dtype=np.uint64)
        flat = np.concatenate([sets[at] for at in part]).astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, PERMUTATIONS, SEED)
        packed = b"".join([_ROW.pack(*row) for row in matrix.to_rows()])
        found[part] = np.frombuffer(packed, dtype="<u4").reshape(len(part), PERMUTATIONS).astype(np.uint8)
    return found


def band_keys(known: Signatures, band: int, rows: int) -> npt.NDArray[np.uint64]:
    """One key a set for a band of `rows` permutations: their bytes as they are, from 8 rows on folded."""
    keys = np.zeros(len(known), dtype=np.uint64)
    for column in range(band * rows, (band + 1) * rows):
        keys = (keys * np.uint64(0x100000001B3 if rows > 8 else 256)) ^ known[:, column]
    return keys


def estimates(known: Signatures, left: Positions, right: Positions) -> npt.NDArray[np.float64]:
    """Estimated Jaccard similarity of each pair: the share of permutations that agree."""
    found = np.empty(len(left))
    for start in range(0, len(left), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        found[part] = np.count_nonzero(known[left[part]] == known[right[part]], axis=1) / PERMUTATIONS
    return found


class Buckets:
    """Sets that share a band's key: members in one array, bucket by bucket, each ascending."""

    def __init__(self, keys: npt.NDArray[np.uint64], new: npt.NDArray[np.bool_]) -> None:
        """Buckets of two or more that hold a new set at least."""
        at = np.arange(len(keys))
        if not new.all():
            wanted = np.unique(keys[new])
            found = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
            at = np.flatnonzero(wanted[found] == keys) if len(wanted) else at[:0]
        order = at[np.argsort(keys[at], kind="stable")]
        edges = np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1
        starts = np.concatenate(([0], edges)).astype(np.int64)
        self.members = order
        self.starts, self.counts = starts, np.diff(np.append(starts, len(order)))
        self._keep(self.counts > 1)

    def _keep(self, keep: npt.NDArray[np.bool_]) -> None:
        self.starts, self.counts = self.starts[keep], self.counts[keep]

    def drop_settled(self, labels: Positions) -> None:
        """Leave out buckets whose members all carry one label."""
        if not len(self.starts):
            return
        owner = np.repeat(np.arange(len(self.starts)), self.counts)
        inside = _ranges(self.starts, self.counts)
        mixed = np.zeros(len(self.starts), dtype=bool)
        found = labels[self.members[inside]]
        mixed[owner[found != np.repeat(labels[self.members[self.starts]], self.counts)]] = True
        self._keep(mixed)

    def stars(self) -> Iterator[tuple[Positions, Positions]]:
        """Pairs of each bucket's first member with the others: what joins most of a bucket at the least cost."""
        others = self.counts - 1
        yield np.repeat(self.members[self.starts], others), self.members[_ranges(self.starts + 1, others)]

    def rest(self) -> Iterator[tuple[Positions, Positions]]:
        """All other pairs of each bucket, in blocks."""
        for size in range(3, SMALL_BUCKET + 1):
            starts = self.starts[self.counts == size]
            if not len(starts):
                continue
            left, right = _pairs(size - 1)
            step = max(1, PAIRS_AT_ONCE // len(left))
            for at in range(0, len(starts), step):
                block = starts[at : at + step, None]
                yield self.members[block + 1 + left].ravel(), self.members[block + 1 + right].ravel()
        for start, count in zip(self.starts.tolist(), self.counts.tolist(), strict=True):
            if count > SMALL_BUCKET:
                members = self.members[start + 1 : start + count]
                step = max(1, PAIRS_AT_ONCE // count)
                for at in range(0, len(members) - 1, step):
                    left, right = np.nonzero(np.arange(len(members)) > np.arange(at, min(at + step, len(members)))[:, None])
                    yield members[at + left], members[right]


@cache
def _pairs(members: int) -> tuple[Positions, Positions]:
    """All pairs of so many members."""
    left, right = np.triu_indices(members, k=1)
    return left, right


def _ranges(starts: Positions, counts: Positions) -> Positions:
    """starts[0], starts[0] + 1, ... (counts[0] of them), then those of starts[1], and so on."""
    before = np.cumsum(counts) - counts
    found: Positions = np.arange(int(counts.sum())) + np.repeat(starts - before, counts)
    return found
