"""Untrusted text in a page: escaped, what the eye would miss made visible, long text cut with its length said."""

import unicodedata
from typing import Any

from rubric_factory.errors import MissingExtraError

try:
    from markupsafe import Markup, escape
except ImportError:
    raise MissingExtraError.of("jinja2", "pipeline") from None

__all__ = ("Markup", "cut", "is_hidden", "label", "unfolded", "visible")

# Letters and marks that are drawn as nothing at all, beside the categories below: Hangul fillers, grapheme joiner, blank braille.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_KEPT = frozenset("\n\t")
# Controls, formats (bidi, zero width, tags, soft hyphen), surrogates, private use, unassigned, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SHOWN_CHARACTERS = 2_000
UNFOLDED_CHARACTERS = 20_000


def is_hidden(character: str) -> bool:
    """Whether a character cannot be seen on a page, or changes how others are shown. Tab and newline are plain text."""
    if character < "\x7f":
        return character < " " and character not in _KEPT
    return character in _BLANK or unicodedata.category(character) in _HIDDEN


def visible(text: Any) -> Markup:
    """Text as inert HTML: escaped, each hidden character as a marked U+XXXX. What is Markup already stays as it is."""
    if isinstance(text, Markup):
        return text
    if not any(map(is_hidden, str(text))):
        return escape(str(text))
    return Markup("").join(
        Markup('<span class="cp">&lt;U+{:04X}&gt;</span>').format(ord(ch)) if is_hidden(ch) else escape(ch) for ch in str(text)
    )


def _end(text: str, limit: int) -> int:
    """Where a longer text is cut: at the last white space up to `limit`, at `limit` where the second half of it has none."""
    return next((place for place in range(limit, limit // 2, -1) if text[place].isspace()), limit)


def cut(text: str, limit: int = SHOWN_CHARACTERS) -> Markup:
    """`visible`, at most `limit` characters of it and no part of a word; what was left out is counted."""
    if len(text) <= limit:
        return visible(text)
    end = _end(text, limit)
    return visible(text[:end]) + Markup('<span class="more"> … {:,} more characters</span>').format(len(text) - end)


def unfolded(text: str, limit: int = SHOWN_CHARACTERS) -> Markup:
    """`cut`, and what was left out unfolds below it, up to UNFOLDED_CHARACTERS. A block: it may not stand in a paragraph."""
    if len(text) <= limit:
        return visible(text)
    rest = cut(text[_end(text, limit) :].lstrip(), UNFOLDED_CHARACTERS)
    return Markup('<details class="long"><summary>{}</summary>{}</details>').format(cut(text, limit), rest)


def label(text: str, limit: int = 26) -> str:
    """Untrusted text as an axis label: one line of printable ASCII, cut at limit characters."""
    shown = "".join(ch if " " <= ch < "\x7f" else f"<U+{ord(ch):04X}>" for ch in " ".join(text.split()))
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."
