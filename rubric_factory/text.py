"""Tokens, shingles, normalisation and safe display: the one tokeniser that every room shares."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"\w+", re.UNICODE)
_SPACE = re.compile(r"\s+")
# Invisible on a page, meaningful to a model or a terminal: zero-width, bidi controls, tag characters, soft hyphen, BOM.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def words(text: str) -> list[str]:
    """Lower-cased `\\w+` tokens: the unit of every overlap rule (dataset contract: runs of 8 words)."""
    return _WORD.findall(text.lower())


def shingles(tokens: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """All runs of `size` consecutive tokens; none if the sequence is shorter."""
    for start in range(len(tokens) - size + 1):
        yield tuple(tokens[start : start + size])


def longest_shared_run(left: Sequence[str], right: Sequence[str]) -> int:
    """Length in tokens of the longest run that occurs in both; O(len(left) * len(right)) worst case, for short sides."""
    best = 0
    previous: dict[int, int] = {}
    positions: dict[str, list[int]] = {}
    for index, token in enumerate(right):
        positions.setdefault(token, []).append(index)
    for token in left:
        current = {index: previous.get(index - 1, 0) + 1 for index in positions.get(token, ())}
        if current:
            best = max(best, max(current.values()))
        previous = current
    return best


def shares_run(left: Sequence[str], right: Sequence[str], size: int) -> bool:
    """Whether any run of `size` tokens occurs in both; linear."""
    seen = set(shingles(right, size))
    return any(run in seen for run in shingles(left, size))


def squeeze(text: str) -> str:
    """Whitespace runs become one blank; ends trimmed."""
    return _SPACE.sub(" ", text).strip()


def clean(text: str) -> tuple[str, int]:
    """NFC text without invisible and control characters (tab and newline stay), and how many were removed.

    Line ends become '\\n', lone surrogates U+FFFD. NFC rather than NFKC: compatibility folding would turn x² into x2.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text, invisible = _INVISIBLE.subn("", text)
    text, control = _CONTROL.subn("", text)
    return unicodedata.normalize("NFC", text), invisible + control


def printable(text: str, limit: int = 200) -> str:
    """Untrusted text made safe for a terminal or a log line: controls and bidi shown as <U+XXXX>, one line, cut at limit."""
    shown = "".join(f"<U+{ord(ch):04X}>" if _INVISIBLE.match(ch) or _CONTROL.match(ch) else ch for ch in squeeze(text))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
