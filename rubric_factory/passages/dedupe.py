"""Exact and near duplicates: word shingles, MinHash with LSH for candidates, real Jaccard similarity to decide, connected components.

Sources: Broder 1997 (shingles, resemblance); Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3 (banding).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from rubric_factory.errors import MissingExtraError
from rubric_factory.text import squeeze, words

Hashes = npt.NDArray[np.uint32]
Matrix = npt.NDArray[np.uint64]

PERMUTATIONS = 128
SEED = 20_241
# Chance that a pair right at the threshold becomes a candidate.
RECALL = 0.995
# The signature's estimate of the similarity has a standard error of at most 0.045; a candidate this far below is not looked at.
MARGIN = 0.18
ROWS_AT_ONCE = 20_000
_DIGITS = re.compile(r"\d+")
_FIRST, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def _frame_key(line: str) -> str:
    return _DIGITS.sub("#", squeeze(line)).lower()


def frames(texts: Sequence[str]) -> frozenset[str]:
    """Lines, numbers aside, that stand in at least 3 and a tenth of a document's passages: running heads, page numbers, navigation."""
    seen = Counter(key for text in texts for key in {_frame_key(line) for line in text.splitlines()} if key)
    return frozenset(key for key, count in seen.items() if count >= max(3, len(texts) / 10))


def without_frames(text: str, known: frozenset[str]) -> str:
    """The text without the lines that `frames` found."""
    return "\n".join(line for line in text.splitlines() if _frame_key(line) not in known)


def exact_key(text: str) -> str:
    """sha256 of the normalised words: equal for texts that differ in case, space and punctuation only."""
    return hashlib.sha256(" ".join(words(text)).encode("utf-8", "surrogatepass")).hexdigest()


def shingle_hashes(text: str, size: int) -> Hashes:
    """Sorted distinct 32-bit hashes of the text's runs of `size` words; empty for a shorter text. Equal on every machine."""
    tokens = words(text)
    if len(tokens) < size:
        return np.empty(0, dtype=np.uint32)
    known = {
        token: int.from_bytes(hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest()) for token in set(tokens)
    }
    hashed = np.fromiter((known[token] for token in tokens), dtype=np.uint64, count=len(tokens))
    runs = np.lib.stride_tricks.sliding_window_view(hashed, size)
    return np.unique((_mixed(runs) >> np.uint64(32)).astype(np.uint32))


def _mixed(rows: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One 64-bit hash of each row, order of its columns included."""
    total = np.full(rows.shape[0], _FIRST)
    for column in range(rows.shape[1]):
        total = (total ^ rows[:, column]) * _MIX
        total ^= total >> np.uint64(29)
    return total


def jaccard(left: Hashes, right: Hashes) -> float:
    """Shared over all of two sorted sets; 0 where both are empty."""
    shared = int(np.intersect1d(left, right, assume_unique=True).size)
    return shared / max(1, left.size + right.size - shared)


def band_rows(threshold: float) -> int:
    """Rows per band: as many as still make a pair at the threshold a candidate with chance RECALL; fewer rows, more candidates."""

    def recall(rows: int) -> float:
        return float(1 - (1 - threshold**rows) ** (PERMUTATIONS // rows))

    return max((rows for rows in range(1, PERMUTATIONS + 1) if recall(rows) >= RECALL), default=1)


def _signatures(sets: Sequence[Hashes]) -> npt.NDArray[np.uint32]:
    """MinHash signatures, (len(sets), PERMUTATIONS)."""
    try:
        from rensa import RMinHash
    except ImportError:
        raise MissingExtraError.of("rensa", "pipeline") from None
    offsets = np.cumsum([0, *(len(one) for one in sets)], dtype=np.uint64)
    flat = np.concatenate(sets).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, PERMUTATIONS, SEED)
    return np.asarray(matrix.to_rows(), dtype=np.uint32).reshape(len(sets), PERMUTATIONS)


def _bands(sets: Sequence[Hashes], rows: int) -> tuple[Matrix, npt.NDArray[np.uint8]]:
    """Per set one key a band, (n, bands), and the low bytes of its signature, (n, PERMUTATIONS): enough to estimate from."""
    bands = PERMUTATIONS // rows
    keys = np.empty((len(sets), bands), dtype=np.uint64)
    low = np.empty((len(sets), PERMUTATIONS), dtype=np.uint8)
    for start in range(0, len(sets), ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, len(sets))
        signatures = _signatures(sets[start:stop])
        low[start:stop] = signatures.astype(np.uint8)
        for band in range(bands):
            keys[start:stop, band] = _mixed(signatures[:, band * rows : (band + 1) * rows].astype(np.uint64))
    return keys, low


def _buckets(keys: npt.NDArray[np.uint64]) -> Iterator[npt.NDArray[np.int64]]:
    """Ascending positions of each key that occurs more than once."""
    order = np.argsort(keys, kind="stable")
    edges = np.flatnonzero(np.diff(keys[order])) + 1
    starts, stops = np.concatenate(([0], edges)), np.concatenate((edges, [len(order)]))
    for index in np.flatnonzero(stops - starts > 1):
        yield order[starts[index] : stops[index]]


class _Components:
    """Connected components by label; the label of a component is its smallest member."""

    def __init__(self, size: int) -> None:
        self.labels = np.arange(size)
        self._members: dict[int, list[int]] = {}

    def join(self, left: int, right: int) -> None:
        """Make the components of two members one."""
        keep, drop = sorted((int(self.labels[left]), int(self.labels[right])))
        if keep != drop:
            moved = self._members.pop(drop, [drop])
            self._members.setdefault(keep, [keep]).extend(moved)
            self.labels[moved] = keep


def near_duplicates(sets: Sequence[Hashes], threshold: float) -> npt.NDArray[np.int64]:
    """Label of each set: the smallest position in its component, where sets of Jaccard similarity >= threshold are joined.

    sets: n non-empty sorted distinct hashes. Pairs come from shared LSH bands (recall RECALL at the threshold, more above it) and count
    only if their real similarity reaches the threshold; pairs already connected are not compared again, which changes no component.
    """
    found = _Components(len(sets))
    if len(sets) < 2:
        return found.labels
    keys, low = _bands(sets, band_rows(threshold))
    refused: set[tuple[int, int]] = set()
    for band in range(keys.shape[1]):
        for bucket in _buckets(keys[:, band]):
            if (found.labels[bucket] == found.labels[bucket[0]]).all():
                continue
            for position in range(1, len(bucket)):
                _compare(sets, low, found, refused, bucket[:position], int(bucket[position]), threshold)
    return found.labels


def _compare(
    sets: Sequence[Hashes],
    low: npt.NDArray[np.uint8],
    found: _Components,
    refused: set[tuple[int, int]],
    earlier: npt.NDArray[np.int64],
    new: int,
    threshold: float,
) -> None:
    """Join `new` with every component of `earlier` that holds a set similar enough, likeliest first."""
    others = earlier[found.labels[earlier] != found.labels[new]]
    if not len(others):
        return
    estimates = (low[others] == low[new]).mean(axis=1)
    near = np.flatnonzero(estimates >= threshold - MARGIN)
    for other in map(int, others[near[np.argsort(-estimates[near], kind="stable")]]):
        if found.labels[other] == found.labels[new] or (other, new) in refused:
            continue
        if jaccard(sets[other], sets[new]) >= threshold:
            found.join(other, new)
        else:
            refused.add((other, new))


def near_pairs(sets: Sequence[Hashes], others: Sequence[Hashes], threshold: float) -> list[tuple[int, int]]:
    """(position in sets, position in others) of every pair of Jaccard similarity >= threshold, ascending; found as in near_duplicates.

    Both: sorted distinct hashes; empty ones are near to nothing.
    """
    both = [*sets, *others]
    full = np.asarray([at for at, one in enumerate(both) if len(one)], dtype=np.int64)
    if not len(full):
        return []
    keys, low = _bands([both[at] for at in full], band_rows(threshold))
    similar: dict[tuple[int, int], bool] = {}
    for band in range(keys.shape[1]):
        for bucket in _buckets(keys[:, band]):
            split = int(np.searchsorted(full[bucket], len(sets)))
            for new in map(int, bucket[:split]):
                old = bucket[split:]
                estimates = (low[old] == low[new]).mean(axis=1)
                for other in map(int, old[estimates >= threshold - MARGIN]):
                    pair = (int(full[new]), int(full[other]))
                    if pair not in similar:
                        similar[pair] = jaccard(both[pair[0]], both[pair[1]]) >= threshold
    return sorted((new, old - len(sets)) for (new, old), near in similar.items() if near)
