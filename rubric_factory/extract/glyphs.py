"""Private-use code points of PDF fonts: those whose meaning is known spelt out, the others dropped and counted.

Known: the Symbol font's encoding at U+F020 to U+F0FE, bullets of Wingdings at a line's start, and Adobe's corporate use (small capitals,
old-style digits, pieces of brackets). Sources: Adobe's Symbol encoding (PDF 32000-1, annex D.5) and its corporate-use glyph list.
"""

import re

PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_SYMBOL_20 = " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
_SYMBOL_A0 = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪"
_SYMBOL_F1 = "⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
_BRACKETS_F8E6 = "⏐⎯®©™⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪⎮⎞⎟⎠⎤⎥⎦⎫⎬⎭"
_WINGDINGS_BULLET = re.compile("^[\uf06c\uf06e\uf071\uf075\uf076\uf077\uf0a7\uf0a8\uf0b2\uf0d8\uf0e8\uf0f0\uf0fc](?=\\s)")


def _table() -> dict[int, str]:
    runs = ((0xF020, _SYMBOL_20), (0xF0A0, _SYMBOL_A0), (0xF0F1, _SYMBOL_F1), (0xF8E6, _BRACKETS_F8E6), (0xF730, "0123456789"))
    table = {start + offset: shown for start, run in runs for offset, shown in enumerate(run)}
    table |= {0xF761 + offset: chr(ord("a") + offset) for offset in range(26)}
    return table | {0xF6DC: "1", 0xF6BE: "ȷ"}


_KNOWN = _table()


def spelt(text: str) -> tuple[str, int]:
    """One line with known private-use glyphs spelt out and the others dropped, and how many were dropped."""
    if not PRIVATE.search(text):
        return text, 0
    return PRIVATE.subn("", _WINGDINGS_BULLET.sub("•", text).translate(_KNOWN))
