"""Inline styles that keep text from being read: not drawn, without size, outside the page, in the colour of its background."""

import re
from functools import lru_cache
from typing import Any

_LENGTH = re.compile(r"(-?\d*\.?\d+)\s*([a-z%]*)")
_WHITE = re.compile(r"#fff(?:fff)?\b|white\b|transparent\b|rgba?\(\s*255\s*,\s*255\s*,\s*255\b")
_CLIPPED = re.compile(r"rect\(\s*[01](?:px)?[\s,]+[01](?:px)?\b")
_INSET = re.compile(r"inset\(\s*(?:50|100)%")
# How far out, by unit, is outside whatever the page's size. Negative margins of 100 % are a layout of columns.
_OUTSIDE = {"px": 500.0, "pt": 500.0, "": 500.0, "em": 50.0, "rem": 50.0, "ex": 100.0, "vw": 100.0, "vh": 100.0, "%": 100.0}
_PLACES = ("left", "right", "top", "bottom", "text-indent")


@lru_cache(maxsize=16384)
def hides(style: str) -> bool:
    """Whether a style attribute hides its element, whatever surrounds it."""
    found = _declarations(style)
    return (
        found.get("display", "").startswith("none")
        or found.get("visibility", "") in ("hidden", "collapse")
        or _at_most(found.get("font-size"), 1.0 if not found.get("font-size", "").endswith("em") else 0.01)
        or _at_most(found.get("opacity"), 0.0)
        or any(_outside(found.get(place)) for place in _PLACES)
        or any(_outside(found.get(place), but="%") for place in ("margin-left", "margin-top"))
        or bool(_CLIPPED.match(found.get("clip", "")) or _INSET.match(found.get("clip-path", "")))
        or found.get("transform", "").replace(" ", "") == "scale(0)"
        or (found.get("overflow") == "hidden" and any(_at_most(found.get(s), 1.0) for s in ("height", "width", "max-height", "max-width")))
        or found.get("color", "x") == (found.get("background-color") or found.get("background"))
    )


def is_white(element: Any, style: str) -> bool:
    """White text where no background is set: neither by a class of its own nor by a style around it."""
    if "color" not in style or element.get("class"):
        return False
    found = _declarations(style)
    if not _WHITE.match(found.get("color", "")) or "background" in style:
        return False
    return not any("background" in (above.get("style") or "") or above.get("bgcolor") for above in element.iterancestors())


def _declarations(style: str) -> dict[str, str]:
    """Property -> value; the last one counts, as in a browser."""
    found: dict[str, str] = {}
    for part in style.lower().split(";"):
        name, _, value = part.partition(":")
        found[name.strip()] = value.partition("!")[0].strip()
    return found


def _at_most(value: str | None, limit: float) -> bool:
    match = _LENGTH.fullmatch(value) if value else None
    return match is not None and 0 <= float(match[1]) <= limit


def _outside(value: str | None, but: str = "none") -> bool:
    match = _LENGTH.fullmatch(value) if value else None
    return match is not None and match[2] != but and float(match[1]) <= -_OUTSIDE.get(match[2], 500.0)
