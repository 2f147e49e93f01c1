"""The HTML tree: parsed without limits on depth, stripped of what no reader sees or reads, asked for title, authors and main part."""

import re
from dataclasses import dataclass
from typing import Any

from rubric_factory.errors import MissingExtraError
from rubric_factory.extract.result import Refused
from rubric_factory.text import squeeze

_SILENT = ("script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "embed", "form", "button", "select", "head")
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:;|!|$)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
_FURNITURE_ROLE = frozenset(("navigation", "banner", "contentinfo", "search", "menu", "menubar", "complementary"))
_FURNITURE = re.compile(
    r"(?:bd-|wy-|main-|site-|page-|sphinx-?|md-|doc-|global-|local-?)*"
    r"(?:nav|navbar|navheader|navfooter|navigation|navpath|nav-path|navrow\w*|nav-side|nav-top|tabs\d?|sidebar\w*|breadcrumbs?|footer|header|menu|"
    r"toc|localtoc|toc-item|toctree-wrapper|topictoc|contents-?list|related|headerlink|anchorjs-link|cookie\w*|banner|skip-?link|search|searchbox|"
    r"top-?bar|page-?outline|prev-?next\w*|prevnext-area|ttc|dyncontent|permalink|advert\w*|social|share|edit-this-page)",
    re.IGNORECASE,
)
_MAIN = (
    "//main",
    "//*[@role='main']",
    "//article",
    "//div[contains(concat(' ', normalize-space(@class), ' '), ' body ')]",
    "//div[@id='content' or @id='main-content' or @id='page-content' or @id='main' or @id='doc-content']",
    "//div[contains(concat(' ', normalize-space(@class), ' '), ' contents ')]",
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_MAX_DEPTH = 2000


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says of itself."""

    title: str
    authors: str


def parse(text: str) -> Any:
    """lxml tree of decoded HTML. Errors: Refused unparseable, MissingExtraError."""
    try:
        from lxml import etree, html
    except ImportError:
        raise MissingExtraError.of("lxml", "pipeline") from None
    source = text.replace("\x00", "").encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode("utf-8")
    try:
        tree = html.document_fromstring(
            source, parser=html.HTMLParser(huge_tree=True, encoding="utf-8", remove_comments=True, remove_pis=True)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise Refused("unparseable", f"no HTML tree: {error}") from None
    _flatten(tree)
    return tree


def _flatten(tree: Any) -> None:
    """Refuse trees deeper than any page is: 100,000 nested elements would cost minutes."""
    depth, node = 0, tree
    pending = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise Refused("unparseable", f"elements nested more than {_MAX_DEPTH} deep")
        pending.extend((child, depth + 1) for child in node)


def facts_of(tree: Any) -> Facts:
    """Title and authors from meta tags, then from <title> and the first heading."""
    title = _meta(tree, "citation_title", "og:title", "dc.title") or squeeze(" ".join(tree.xpath("//head/title[1]//text()")))
    title = re.sub(r"\s*[—–|]\s.{2,80}$", "", title) or title
    heading = squeeze(" ".join(tree.xpath("(//h1)[1]//text()"))).rstrip("¶ ")
    authors = "; ".join(_metas(tree, "citation_author", "author", "dc.creator"))
    return Facts(title or heading, authors)


def _metas(tree: Any, *names: str) -> list[str]:
    for name in names:
        found = [
            squeeze(tag.get("content") or "") for tag in tree.iter("meta") if (tag.get("name") or tag.get("property") or "").lower() == name
        ]
        if any(found):
            return [value for value in found if value]
    return []


def _meta(tree: Any, *names: str) -> str:
    return next(iter(_metas(tree, *names)), "")


def drop_hidden(tree: Any) -> int:
    """Remove elements no reader sees; number of characters of hidden text (scripts and styles are no text)."""
    count = 0
    for element in list(tree.iter()):
        if not isinstance(element.tag, str):
            continue
        if element.tag in _SILENT:
            _drop(element)
        elif _is_hidden(element):
            count += len(squeeze(" ".join(element.itertext())))
            _drop(element)
    return count


def _is_hidden(element: Any) -> bool:
    if element.tag in ("html", "body"):
        return False
    return "hidden" in element.attrib or element.get("aria-hidden") == "true" or bool(_HIDDEN_STYLE.search(element.get("style") or ""))


def drop_furniture(tree: Any) -> None:
    """Remove navigation, headers, footers, sidebars and permalink marks."""
    for element in list(tree.iter()):
        if isinstance(element.tag, str) and element.tag not in ("html", "body", "main", "article") and _is_furniture(element):
            _drop(element)


def _is_furniture(element: Any) -> bool:
    if element.tag == "a":  # Doxygen's link to the long description
        return squeeze("".join(element.itertext())) == "More..." or "headerlink" in (element.get("class") or "")
    if element.tag in ("nav", "footer", "aside") or element.get("role") in _FURNITURE_ROLE:
        return element.tag != "aside" or "admonition" not in (element.get("class") or "")
    marks = f"{element.get('class') or ''} {element.get('id') or ''}".split()
    return element.tag not in _HEADINGS and any(_FURNITURE.fullmatch(mark) for mark in marks)


def _drop(element: Any) -> None:
    """Remove an element, keeping the text that follows it."""
    if element.getparent() is not None:
        element.drop_tree()


def main_of(tree: Any) -> Any | None:
    """The element that the page marks as its main part, None without a mark. Of several, the one with most text."""
    for path in _MAIN:
        found = tree.xpath(path)
        if found:
            return max(found, key=lambda element: sum(map(len, element.itertext())))
    return None
