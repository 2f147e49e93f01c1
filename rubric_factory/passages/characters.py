"""Classes of characters, and the size of any span of a text, in words and in estimated tokens, from prefix sums.

Tokens are estimated, because no model's tokeniser belongs in the data path: each character costs what it costs on average in a byte-pair
encoding of technical English (docs/adr/0008). The estimate is a bound for chunks, not a bill.
"""

import re
import sys
from functools import cache

import numpy as np
import numpy.typing as npt

# Flags of a character: the classes of `re`, and two of ours (neither word nor space nor ordinary punctuation; no space between words).
IS_WORD, IS_SPACE, IS_DIGIT, IS_LETTER, IS_SYMBOL, IS_IDEOGRAPH = 1, 2, 4, 8, 16, 32
_PATTERNS = {
    IS_WORD: r"\w+",
    IS_SPACE: r"\s+",
    IS_DIGIT: r"\d+",
    IS_LETTER: r"[^\W\d_]+",
    IS_SYMBOL: r"[^\w\s.,;:'\"()’‘“”?!*`-]+",
    IS_IDEOGRAPH: "[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+",
}
_PLANE = 1 << 16
# Hundredths of a token: per word begun, per letter, capital or digit more, and per character that is no word. Fitted; see the ADR.
WORD, LETTER, CAPITAL, DIGIT, IDEOGRAPH, OTHER_LETTER, PUNCTUATION, SYMBOL, LINE = 64, 10, 8, 80, 110, 100, 40, 40, 90


def _table_size(points: npt.NDArray[np.uint32]) -> int:
    """Code points that a table must hold for these: the first plane alone, nearly always; a table of all takes a fifth of a second."""
    return _PLANE if not len(points) or int(points.max()) < _PLANE else sys.maxunicode + 1


@cache
def _classes(size: int) -> npt.NDArray[np.uint8]:
    """Class of each code point below size."""
    every = "".join(map(chr, range(size)))
    table = np.zeros(size, dtype=np.uint8)
    for kind, pattern in _PATTERNS.items():
        for match in re.finditer(pattern, every):
            table[match.start() : match.end()] |= kind
    return table


@cache
def _costs(size: int) -> npt.NDArray[np.uint8]:
    """Hundredths of a token of each code point below size, the begin of a word aside."""
    classes = _classes(size)
    costs = np.where(classes & IS_LETTER, OTHER_LETTER, np.where(classes & IS_SPACE, 0, PUNCTUATION)).astype(np.uint8)
    costs[(classes & IS_SYMBOL) > 0] = SYMBOL
    costs[(classes & IS_DIGIT) > 0] = DIGIT
    costs[ord("a") : ord("z") + 1] = LETTER
    costs[ord("A") : ord("Z") + 1] = LETTER + CAPITAL
    costs[(classes & IS_IDEOGRAPH) > 0] = IDEOGRAPH
    costs[ord("\n")] = LINE
    return costs


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The text's code points, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def classes_of(text: str) -> npt.NDArray[np.uint8]:
    """Class flags of each character of the text."""
    points = code_points(text)
    return _classes(_table_size(points))[points]


class Sizes:
    """Words (`\\w+` runs) and estimated tokens of the spans of one text; a word cut by a span's edge counts."""

    def __init__(self, text: str) -> None:
        points = code_points(text)
        size = _table_size(points)
        word = (_classes(size)[points] & IS_WORD).astype(bool)
        begins = word.copy()
        begins[1:] &= ~word[:-1]
        self._begins = np.concatenate(([0], np.cumsum(begins, dtype=np.int64)))
        costs = _costs(size)[points].astype(np.int64)
        costs[begins] += WORD
        self._costs = np.concatenate(([0], np.cumsum(costs, dtype=np.int64)))
        self._within = np.append(word & ~begins, False)
        # Plain integers come out of a memoryview several times as fast as out of an array.
        self._b, self._c, self._w = (memoryview(column.data) for column in (self._begins, self._costs, self._within))

    def words(self, start: int, end: int) -> int:
        """Words of text[start:end]."""
        return self._b[end] - self._b[start] + self._w[start] if start < end else 0

    def tokens(self, start: int, end: int) -> int:
        """Estimated tokens of text[start:end], rounded up."""
        return -((self._c[start] - self._c[end]) // 100)

    def cuts(self, start: int, end: int, words: int, tokens: int) -> list[int]:
        """Offsets that cut text[start:end] into runs of at most so many words and tokens, before words; within one if it is too long."""
        found: list[int] = []
        at = start
        while self.words(at, end) > words or self.tokens(at, end) > tokens:
            last = int(np.searchsorted(self._begins, self._b[at] + words - self._w[at], side="right")) - 1
            bound = int(np.searchsorted(self._costs, self._c[at] + 100 * tokens, side="right")) - 1
            if bound < last:
                begun = int(np.searchsorted(self._begins, self._b[bound], side="left")) - 1
                last = begun if begun > at else bound
            at = max(last, at + 1)
            if at >= end:
                break
            found.append(at)
        return found
