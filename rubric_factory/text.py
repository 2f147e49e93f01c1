"""Tokens, shingles, normalisation and safe display: the one tokeniser that every room shares."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

# Every ASCII character that is no word character as a blank; bytes of longer characters stay as they are.
_BLANKED = bytes(code if code >= 128 or chr(code).isalnum() or code == ord("_") else ord(" ") for code in range(256))
_WORD = re.compile(r"\w+")
_MAX_DISTINCT = 64
_NOT_ASCII = re.compile("[^\x00-\x7f]")
# Invisible on a page, meaningful to a model or a terminal: soft hyphen, joiners, zero-width, bidi controls, fillers, invisible operators,
# variation selectors, annotation marks, tag characters; and what has no agreed meaning: private use and non-characters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
# Folded and not counted: every blank is a blank, every line end a newline, a typographic ligature its letters.
_FOLDED = re.compile("[\r\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufb00-\ufb06]")
# Combining marks are no word characters; NFC sorts a run of them in quadratic time.
_MARKS = re.compile(r"[^\w\s\x00-\x7f]{31,}")
_MAX_MARKS = 30
_SURROGATE = re.compile("[\ud800-\udfff]")
_FOLDS = dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))), " ") | {
    "\r": "\n",
    "\x85": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}


def words(text: str) -> list[str]:
    """Lower-cased `\\w+` tokens: the unit of every overlap rule (dataset contract: runs of 8 words).

    What is no word character becomes a blank, and the text is split at blanks: a third of the time of a regular expression.
    """
    text = text.lower()
    if not text.isascii():
        marks = {ch for ch in set(_NOT_ASCII.findall(text)) if not ch.isalnum()}
        if len(marks) > _MAX_DISTINCT:  # one pass a mark would be quadratic in a hostile text
            return _WORD.findall(text)
        for ch in marks:
            text = text.replace(ch, " ")
    return text.encode().translate(_BLANKED).decode().split()


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
    return " ".join(text.split())


def clean(text: str) -> tuple[str, int]:
    """Text by the house's Unicode policy, and how many invisible and control characters were removed. Idempotent.

    NFC, not NFKC: compatibility folding would turn x² into x2; only the Latin ligatures (ﬁ) are spelt out. Blanks of every width become
    ' ', line ends '\\n', lone surrogates U+FFFD; tab and newline stay. Removed: `_INVISIBLE`, control characters, and combining
    marks beyond 30 on one letter.
    """
    removed = 0
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        if _SURROGATE.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = _FOLDED.sub(lambda match: _FOLDS[match[0]], text)
        text, removed = _INVISIBLE.subn("", text)
        before = len(text)
        text = _MARKS.sub(_thinned, text)
        removed += before - len(text)
        text = unicodedata.normalize("NFC", text)
    elif text.isprintable():
        return text, 0
    text, control = _CONTROL.subn("", text)
    return text, removed + control


def _thinned(run: re.Match[str]) -> str:
    """A run without combining marks beyond the 30 on one letter that Unicode's stream-safe format allows (UAX 15)."""
    kept: list[str] = []
    marks = 0
    for ch in run[0]:
        marks = marks + 1 if unicodedata.combining(ch) else 0
        if marks <= _MAX_MARKS:
            kept.append(ch)
    return "".join(kept)


def printable(text: str, limit: int = 200) -> str:
    """Untrusted text made safe for a terminal or a log line: controls and bidi shown as <U+XXXX>, one line, cut at limit."""
    shown = "".join(f"<U+{ord(ch):04X}>" if _INVISIBLE.match(ch) or _CONTROL.match(ch) else ch for ch in squeeze(text))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
