"""Words broken at line ends made whole again, by what the rest of the document says: 'there-after' or 'log-likelihood'."""

import re
from collections import Counter
from collections.abc import Iterable

from rubric_factory.text import clean

# pdfium writes U+0002 for a hyphen at a line's end and goes on; other parsers leave the hyphen.
BROKEN = "\x02"
_BREAK = re.compile(r"([^\W\d_]+)\x02\s*([^\W_]+)")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_TAIL = re.compile(r"([^\W\d_]+)[-\u2010\u00ad]$")
_HEAD = re.compile(r"[^\W\d_]+")
_MENDS = str.maketrans(
    {
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "ﬅ": "st",
        "ﬆ": "st",
        "\u00a0": " ",
        "\u2002": " ",
        "\u2003": " ",
        "\u2009": " ",
        "\u202f": " ",
    }
)


class Mender:
    """Mends lines of one document; removed counts the characters that cleaning dropped."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._known = Counter(word.lower() for line in lines for word in _WORD.findall(line))
        self.removed = 0

    def line(self, text: str) -> str:
        """One line without broken words, ligatures, control characters and blanks at its ends."""
        whole = _BREAK.sub(lambda match: self._together(match[1], match[2]), text.translate(_MENDS)).replace(BROKEN, "-")
        cleaned, removed = clean(whole)
        self.removed += removed
        return " ".join(cleaned.split())

    def join(self, text: str, line: str) -> tuple[str, int]:
        """Text continued by a line, and the offset in it at which the line begins."""
        tail, head = _TAIL.search(text), _HEAD.match(line)
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
