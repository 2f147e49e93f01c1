"""The HTML tree: parsed without limits on depth, and what its elements' marks say: hidden, furniture, the main part.

Nothing is removed from the tree: the rendering asks while it walks. Answers for classes and styles are remembered, because a page says
the same few thousands of times.
"""

import re
from enum import IntEnum
from functools import lru_cache
from typing import Any

from rubric_factory.errors import MissingExtraError
from rubric_factory.extract.html_style import hides, is_white
from rubric_factory.extract.result import Refused

_FURNITURE_ROLE = frozenset(("navigation", "banner", "contentinfo", "search", "menu", "menubar", "complementary"))
_FURNITURE = re.compile(
    r"(?:bd-|wy-|main-|site-|page-|sphinx-?|md-|doc-|global-|local-?|rst-)*"
    r"(?:nav|navbar|navheader|navfooter|nav-?panel|navigation|navpath|nav-path|navrow\w*|nav-side|nav-top|sidebar\w*|breadcrumbs?|footer|header|"
    r"menu|toc|localtoc|toc-item|toctree-wrapper|topictoc|contents-?list|related|headerlink|anchorjs-link|copiable-link|copiable-anchor|"
    r"cookie\w*|banner|skip-?link|search|searchbox|top-?bar|page-?outline|prev-?next\w*|prevnext-area|ttc|dyncontent|permalink|advert\w*|"
    r"social|share|edit-this-page|viewcode-link|viewcode-back|linenos|lineno|linenodiv|versions|rst-versions|mw-editsection|mw-jump-link|"
    r"catlinks|printfooter|navbox|vector-\w+|pagination|pager|subscribe|newsletter|colophon|masthead|tags1?)|tabs\d?|titlearea|doxyfooter",
    re.IGNORECASE,
)
_UNSEEN = frozenset(("visually-hidden", "sr-only", "screen-reader-text", "visuallyhidden", "assistive-text", "katex-html"))
_DRAWN = frozenset(("MathJax", "MathJax_Preview", "MathJax_Display", "MathJax_SVG", "MathJax_CHTML", "katex-html"))
_LONG_TAG = re.compile(r"<[A-Za-z][^<>]{20000,}")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_MAX_ATTRIBUTES = 5000
_KEPT_ASIDE = re.compile(
    r"\b(?:admonition|footnote|note|warning|tip|hint|important|caution|danger|example|citation|system-message)", re.IGNORECASE
)
_MAIN = (
    "self::main",
    "@role='main'",
    "self::article",
    "contains(concat(' ', normalize-space(@class), ' '), ' body ')",
    "@id='content' or @id='main-content' or @id='page-content' or @id='main' or @id='doc-content' or @id='mw-content-text'",
    "contains(concat(' ', normalize-space(@class), ' '), ' contents ')",
)


class Mark(IntEnum):
    """What an attribute says about its element; the gravest counts."""

    NONE = 0
    FURNITURE = 1
    HIDDEN = 2
    DRAWN = 3  # a second picture of mathematics that is in the tree as text


def parse(text: str) -> Any:
    """lxml tree of decoded HTML: the html element. Errors: Refused unparseable or empty, MissingExtraError."""
    try:
        from lxml import etree
    except ImportError:
        raise MissingExtraError.of("lxml", "pipeline") from None
    for match in _LONG_TAG.finditer(text):
        if (count := len(_QUOTED.sub("", match[0]).split())) > _MAX_ATTRIBUTES:  # the parser compares each with all others
            raise Refused("unparseable", f"an element with {count} attributes")
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = etree.fromstring(text.replace("\x00", "").encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused("unparseable", f"no HTML tree: {error}") from None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log.filter_from_fatals()):
        raise Refused("unparseable", "elements nested more than 2,048 deep")
    if tree is None:
        raise Refused("empty", "no element in the page")
    return tree


@lru_cache(maxsize=16384)
def class_mark(value: str) -> Mark:
    """What a class attribute says."""
    names = value.split()
    if not _DRAWN.isdisjoint(names):
        return Mark.DRAWN
    if not _UNSEEN.isdisjoint(names):
        return Mark.HIDDEN
    if any(_FURNITURE.fullmatch(name) for name in names) or {"contents", "topic"} <= set(names) or {"contents", "local"} <= set(names):
        return Mark.FURNITURE
    return Mark.NONE


def mark_of(element: Any, items: list[tuple[str, str]]) -> Mark:
    """The gravest mark of an element, from its attributes."""
    found = Mark.NONE
    tag = element.tag
    for name, value in items:
        if name == "class":
            mark = class_mark(value)
        elif name == "style":
            mark = Mark.HIDDEN if hides(value) or is_white(element, value) else Mark.NONE
        elif name == "id":
            mark = Mark.FURNITURE if len(value) < 24 and class_mark(value) == Mark.FURNITURE else Mark.NONE
        elif name == "role":
            mark = Mark.FURNITURE if value.lower() in _FURNITURE_ROLE else Mark.NONE
        elif (name == "hidden" and value.lower() != "until-found") or (name == "aria-hidden" and value.lower() == "true"):
            mark = Mark.HIDDEN
        elif name == "color" and tag == "font":
            mark = Mark.HIDDEN if is_white(element, f"color:{value}") else Mark.NONE
        else:
            continue
        found = max(found, mark)
    if found == Mark.HIDDEN and "mathml" in (element.get("class") or ""):
        return Mark.NONE  # mathematics for screen readers: its picture is what the page shows
    return found


def is_content_aside(element: Any) -> bool:
    """An aside that is part of the text: admonitions and footnotes."""
    return bool(_KEPT_ASIDE.search(f"{element.get('class') or ''} {element.get('role') or ''}"))


def main_of(body: Any) -> Any | None:
    """The element that the page marks as its main part, None without a mark. Of several with the same mark, the longest."""
    found = body.xpath("//*[" + " or ".join(_MAIN) + "]")
    if not found:
        return None
    length = _length()
    ranks: dict[int, list[Any]] = {}
    for element in found[:200]:
        if element.tag in ("main", "article", "div", "section", "td") and _is_shown(element):
            ranks.setdefault(_rank(element), []).append(element)
    return max(ranks[min(ranks)], key=length) if ranks else None


def _rank(element: Any) -> int:
    classes = (element.get("class") or "").split()
    marks = (element.tag == "main", element.get("role") == "main", element.tag == "article", "body" in classes)
    return marks.index(True) if True in marks else 5 if "contents" in classes else 4


def _is_shown(element: Any) -> bool:
    """Whether neither the element nor anything around it is hidden or furniture."""
    above = element
    while above is not None and above.tag not in ("body", "html"):
        if above.tag in ("nav", "footer", "template", "noscript") or (above is not element and mark_of(above, above.items())):
            return False
        above = above.getparent()
    return element.tag != "div" or mark_of(element, element.items()) < Mark.HIDDEN


@lru_cache(maxsize=1)
def _length() -> Any:
    from lxml import etree

    return etree.XPath("string-length()")


@lru_cache(maxsize=1)
def _string() -> Any:
    from lxml import etree

    return etree.XPath("string()", smart_strings=False)


def size_of(element: Any) -> int:
    """Characters below an element that are no blanks: scripts and hidden ones too."""
    return len("".join(_string()(element).split()))


def plain_text(element: Any) -> str:
    """All text below an element as it stands."""
    text: str = _string()(element)
    return text


@lru_cache(maxsize=1)
def _care() -> Any:
    from lxml import etree

    marks = "@style or @hidden or @aria-hidden or contains(@class,'lineno') or contains(@class,'header')"
    return etree.XPath(f"boolean(.//*[{marks} or self::br or self::div or self::p or self::script or self::button or self::math])")


def code_needs_care(element: Any) -> bool:
    """Whether code has parts that are no code: hidden ones, line numbers, buttons; or breaks that are newlines."""
    return bool(_care()(element))
