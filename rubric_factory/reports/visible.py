"""Untrusted text in a page: escaped, what the eye would miss made visible, long text cut with its length said."""

import unicodedata
from typing import Any

from rubric_factory.errors import MissingExtraError

try:
    from markupsafe import Markup, escape
except ImportError:
    raise MissingExtraError.of("jinja2", "pipeline") from None

__all__ = ("Markup", "cut", "is_hidden", "label", "visible")

# Letters and marks that are drawn as nothing at all, beside the categories below: Hangul fillers, grapheme joiner, blank braille.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_KEPT = frozenset("\n\t")
# Controls, formats (bidi, zero width, tags, soft hyphen), surrogates, private use, unassigned, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SHOWN_CHARACTERS = 2_000


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


def cut(text: str, limit: int = SHOWN_CHARACTERS) -> Markup:
    """`visible`, at most `limit` characters of it; what was left out is counted."""
    if len(text) <= limit:
        return visible(text)
    return visible(text[:limit]) + Markup('<span class="more"> … {:,} more characters</span>').format(len(text) - limit)


def label(text: str, limit: int = 26) -> str:
    """Untrusted text as an axis label: one line of printable ASCII, cut at limit characters."""
    shown = "".join(ch if " " <= ch < "\x7f" else f"<U+{ord(ch):04X}>" for ch in " ".join(text.split()))
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."
