"""What a walk over HTML passes over, each character of it counted: scripts and pictures, hidden text, furniture."""

import re
from dataclasses import dataclass
from typing import Any

from rubric_factory.extract.html_tree import Mark, is_content_aside, mark_of, plain_text, size_of
from rubric_factory.text import squeeze

_SILENT = frozenset(
    re.findall(
        r"\w+",
        "script style svg canvas iframe object embed applet audio video map select option datalist button textarea input head title "
        "meta link",
    )
)
_UNSHOWN = frozenset(("noscript", "template", "dialog"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
MAX_FORM = 300
PROSE_FURNITURE = 1000


@dataclass(slots=True)
class Counts:
    """hidden: characters of hidden text, blanks squeezed. The rest without blanks: unseen (scripts, styles, hidden text), links in
    furniture, and those of them inside the main element."""

    hidden: int = 0
    unseen: int = 0
    furniture_links: int = 0
    main_furniture_links: int = 0


class Sieve:
    """Decides for one page."""

    def __init__(self, counts: Counts, main: Any) -> None:
        self._counts, self._main = counts, main

    def passes_over(self, element: Any, items: list[tuple[str, str]], in_main: bool) -> bool:
        """Whether an element's content does not come out. items: its attributes; in_main: whether it stands in the main element."""
        tag = element.tag
        if tag in _SILENT:
            self._counts.unseen += size_of(element)
            return True
        mark = mark_of(element, items) if items else Mark.NONE
        if mark == Mark.DRAWN:
            self._counts.unseen += size_of(element)
            return True
        if mark == Mark.HIDDEN or (tag in _UNSHOWN and element.get("open") is None):
            self._counts.hidden += len(squeeze(plain_text(element)))
            self._counts.unseen += size_of(element)
            return True
        return element is not self._main and self._looks_furniture(element, mark, in_main) and self._count_furniture(element, in_main)

    def _looks_furniture(self, element: Any, mark: Mark, in_main: bool) -> bool:
        tag = element.tag
        if tag in ("nav", "footer"):
            return True
        if tag == "aside":
            return not is_content_aside(element)
        if tag == "header":
            return not in_main and next(element.iter("h1"), None) is None
        if tag == "form":
            return size_of(element) < MAX_FORM
        if tag == "a" and element.text == "More...":
            return True  # Doxygen's link to the long description
        return mark == Mark.FURNITURE and tag not in _HEADINGS and tag not in ("body", "main", "article")

    def _count_furniture(self, element: Any, in_main: bool) -> bool:
        """Count the links of an element that looks like furniture; False if by a mark alone, and it holds much text of its own."""
        size = size_of(element)
        unseen = sum(map(size_of, element.iter("script", "style", "noscript", "template"))) if size else 0
        links = sum(map(size_of, element.iter("a"))) if size else 0
        if element.tag not in ("nav", "footer", "aside") and size - unseen - links > max(PROSE_FURNITURE, size // 2):
            return False
        self._counts.unseen += unseen
        self._counts.furniture_links += links
        if in_main:
            self._counts.main_furniture_links += links
        return True
