"""Characters of a PDF's lines mended: words broken at line ends made whole by what the rest of the document says ('there-after'
or 'log-likelihood'), ligatures, TeX's own codes and spacing accents spelt out, control characters removed and counted."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from rubric_factory.extract import glyphs
from rubric_factory.text import clean

# pdfium writes U+FFFE (U+0002 through another call) for a hyphen at a line's end and goes on; other parsers leave the hyphen.
BROKEN = "\x02"
_BREAK = re.compile(r"(?<![^\W\d_])([^\W\d_]+)\x02\s*([^\W_]+)")  # from a word's beginning: a long line stays linear
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_TAIL = re.compile(r"([^\W\d_]+)[-\u2010\u00ad]$")
_HEAD = re.compile(r"[^\W\d_]+")
_HYPHENS = ("-", "\u2010", "\u00ad")
MAX_WORD = 80
# pdfium's other spelling of the same.
_OTHER_BROKEN = "\ufffe"

# TeX's Cork (T1) encoding where a PDF maps codes to themselves: ligatures beside letters, quotes around words, the en dash.
_CORK = re.compile(
    r"(?<=[^\W\d_])[\x1b-\x1f]|[\x1b-\x1f](?=[^\W\d_])"
    r"|(?<![^\s(\[])\x10(?=\w)|(?<=[\w.,!?])\x11(?!\w)"
    r"|(?<=\w)\x15(?=\w)|(?<=[^\W\d_] )\x15(?= \w)"
)
_CORK_TEXT = {"\x1b": "ff", "\x1c": "fi", "\x1d": "fl", "\x1e": "ffi", "\x1f": "ffl", "\x10": "“", "\x11": "”", "\x15": "–"}
# TeX fonts without accented letters draw an accent and a letter: 'J´anos'.
_ACCENT = re.compile("([\u00b4\u00a8\u02c6\u02dc\u02dd\u02c7])([^\\W\\d_])")
# The grave accent is a quote as well: inside a word, or before a single a.
_GRAVE = re.compile(r"(?<=[^\W\d_])`([aeiou])(?=[^\W\d_])|(?<!\S)`(a)(?=\s)")
_COMBINING = {"\u00b4": "\u0301", "\u00a8": "\u0308", "\u02c6": "\u0302", "\u02dc": "\u0303", "\u02dd": "\u030b", "\u02c7": "\u030c"}


def _accented(match: re.Match[str]) -> str:
    letter = unicodedata.normalize("NFC", match[2].replace("\u0131", "i") + _COMBINING[match[1]])
    return letter if len(letter) == 1 else match[0]


class Mender:
    """Mends lines of one document; removed counts the characters that cleaning dropped."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.removed = 0

    @cached_property
    def _known(self) -> Counter[str]:
        return Counter(_WORD.findall("\n".join(self._lines).lower()))

    def line(self, text: str) -> str:
        """One line without broken words, ligatures, control and private-use characters and blanks at its ends."""
        if "`" in text:
            text = _GRAVE.sub(lambda match: unicodedata.normalize("NFC", f"{match[1] or match[2]}\u0300"), text)
        if text.isascii() and text.isprintable():
            return " ".join(text.split())
        if not text.isprintable():
            text, dropped = glyphs.spelt(text.replace(_OTHER_BROKEN, BROKEN))
            self.removed += dropped
            text = _CORK.sub(lambda match: _CORK_TEXT[match[0]], text)
            text = _BREAK.sub(lambda match: self._together(match[1], match[2]), text).replace(BROKEN, "-")
        cleaned, removed = clean(_ACCENT.sub(_accented, text))
        self.removed += removed
        return " ".join(cleaned.split())

    def join(self, text: str, line: str) -> tuple[str, int]:
        """Text continued by a line, and the offset in it at which the line begins."""
        tail = _TAIL.search(text, max(0, len(text) - MAX_WORD)) if text[-1:] in _HYPHENS else None
        head = _HEAD.match(line)
        if tail and head and line[0].islower():
            stem = text[: tail.start()]
            whole = self._together(tail[1], head[0])
            return stem + whole + line[head.end() :], len(stem) + len(whole) - len(head[0])
        return f"{text} {line}", len(text) + 1

    def _together(self, left: str, right: str) -> str:
        whole, hyphened = left + right, f"{left}-{right}"
        if self._known[whole.lower()]:
            return whole
        if self._known[hyphened.lower()] or not right[0].islower():
            return hyphened
        return whole
