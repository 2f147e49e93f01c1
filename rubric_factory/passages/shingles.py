"""What two texts are compared by: their words for exact copies, hashes of runs of words for near ones; repeated frames left out.

Source: Broder 1997 (shingles, resemblance). Everything here is equal on every machine and under every order of documents.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from rubric_factory.text import words

Hashes = npt.NDArray[np.uint32]

KNOWN_WORDS = 1 << 16
_DIGITS = re.compile(r"\d+")
_FIRST, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def frame_keys(text: str) -> list[str]:
    """One key a line, numbers, case and space aside; empty for an empty line."""
    return [" ".join(line.split()) for line in _DIGITS.sub("#", text).lower().splitlines()]


def frames(texts: Sequence[str]) -> frozenset[str]:
    """Keys of lines that stand in at least 3 and a tenth of a document's passages: running heads, page numbers, navigation."""
    if len(texts) < 3:
        return frozenset()
    seen = Counter(key for text in texts for key in set(frame_keys(text)) if key)
    return frozenset(key for key, count in seen.items() if count >= max(3, len(texts) / 10))


def without_frames(text: str, known: frozenset[str]) -> str:
    """The text without the lines that `frames` found."""
    if not known:
        return text
    keys, lines = frame_keys(text), text.splitlines()
    return "\n".join(line for line, key in zip(lines, keys, strict=True) if key not in known) if not known.isdisjoint(keys) else text


def exact_key(tokens: Sequence[str]) -> str:
    """sha256 of the normalised words: equal for texts that differ in case, space and punctuation only."""
    return hashlib.sha256(" ".join(tokens).encode("utf-8", "surrogatepass")).hexdigest()


class _WordHashes(dict[str, int]):
    """Hashes of the words met so far, forgotten when they are too many: a cache, half as dear a look-up as functools' one."""

    def __missing__(self, token: str) -> int:
        if len(self) >= KNOWN_WORDS:
            self.clear()
        found = int.from_bytes(hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest())
        self[token] = found
        return found


_word_hash = _WordHashes().__getitem__


def run_hashes(tokens: Sequence[str], size: int) -> npt.NDArray[np.uint64]:
    """64-bit hash of each run of `size` words, in order: len(tokens) - size + 1 of them, none for fewer words."""
    if len(tokens) < size:
        return np.empty(0, dtype=np.uint64)
    hashed = np.fromiter(map(_word_hash, tokens), dtype=np.uint64, count=len(tokens))
    count = len(tokens) - size + 1
    return mixed([hashed[at : at + count] for at in range(size)])


def shingles_of(texts: Sequence[Sequence[str]], size: int) -> list[Hashes]:
    """Of each text's words: sorted distinct 32-bit hashes of the runs of `size` words; empty for fewer words.

    All texts at once: numpy's calls cost more than their work on one passage.
    """
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    runs = run_hashes(list(chain.from_iterable(texts)), size)
    owner = np.repeat(np.arange(len(texts), dtype=np.uint64) << np.uint64(32), lengths)
    whole = owner[: len(runs)] == owner[len(owner) - len(runs) :]
    keyed = owner[: len(runs)][whole] | (runs[whole] >> np.uint64(32))
    keyed.sort()
    keyed = keyed[np.concatenate(([True], keyed[1:] != keyed[:-1]))] if len(keyed) else keyed
    ends = np.searchsorted(keyed, np.arange(1, len(texts), dtype=np.uint64) << np.uint64(32))
    return np.split(keyed.astype(np.uint32), ends) if texts else []


def shingle_hashes(text: str, size: int) -> Hashes:
    """shingles_of the text's words."""
    return shingles_of([words(text)], size)[0]


def mixed(columns: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """One 64-bit hash of each row, order of its columns included."""
    total = np.full(len(columns[0]), _FIRST)
    for column in columns:
        total ^= column
        total *= _MIX
        total ^= total >> np.uint64(29)
    return total


def set_key(hashes: Hashes) -> int:
    """63-bit key of a set: equal sets, equal keys."""
    return int.from_bytes(hashlib.blake2b(hashes.astype("<u4").tobytes(), digest_size=8).digest()) >> 1


def jaccard(left: Hashes, right: Hashes) -> float:
    """Shared over all of two sorted sets; 0 where both are empty."""
    shared = int(np.intersect1d(left, right, assume_unique=True).size)
    return shared / max(1, left.size + right.size - shared)
