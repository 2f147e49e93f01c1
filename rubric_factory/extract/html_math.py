"""Mathematics in HTML as TeX between dollar signs: MathML (its annotation or alttext), MathJax scripts, pictures with TeX as alt text."""

import re
from typing import Any

from rubric_factory.extract.html_tree import plain_text
from rubric_factory.text import squeeze

_PICTURE_CLASS = re.compile(r"math|^(?:tex|latex)$|formula|equation", re.IGNORECASE)
_PICTURE_SOURCE = re.compile(r"/math/|/math/render/|codecogs\.com|latex\.php|mathtex|mimetex", re.IGNORECASE)
_WRAPPED = re.compile(r"^(?:\$.*\$|\\\(.*\\\)|\\\[.*\\\]|\\begin\b.*)$", re.DOTALL)
_STYLED = re.compile(r"^\{\\(?:display|text)style\s(.*)\}$", re.DOTALL)


def script(element: Any) -> str:
    """TeX of a MathJax script (type math/tex); '' for any other script."""
    kind = (element.get("type") or "").lower()
    if not kind.startswith("math/tex"):
        return ""
    return _dollars(plain_text(element), "mode=display" in kind.replace(" ", ""))


def picture(element: Any) -> str:
    """TeX of an image of a formula; '' for other images."""
    drawn = _PICTURE_CLASS.search(element.get("class") or "") or _PICTURE_SOURCE.search((element.get("src") or "")[:400])
    return _dollars(element.get("alt") or "", False) if drawn else ""


def mathml(element: Any) -> str:
    """A math element: its TeX annotation, its alttext, else its characters."""
    display = element.get("display") == "block"
    for note in element.iter("annotation"):
        if "tex" in (note.get("encoding") or "").lower():
            return _dollars(plain_text(note), display)
    if alternative := element.get("alttext"):
        return _dollars(alternative, display)
    for note in list(element.iter("annotation", "annotation-xml")):
        note.getparent().remove(note)
    return squeeze(" ".join(element.itertext()))


def _dollars(tex: str, display: bool) -> str:
    tex = squeeze(tex)
    if match := _STYLED.match(tex):
        tex = match[1].strip()
    if not tex or _WRAPPED.match(tex):
        return tex
    return f"$${tex}$$" if display else f"${tex}$"
