"""What a page says of itself: title, authors, date, licence, from meta tags, JSON-LD, links and the first heading."""

import json
import re
from dataclasses import dataclass
from typing import Any

from rubric_factory.extract.facts import iso_date, licence_of
from rubric_factory.extract.html_tree import plain_text
from rubric_factory.text import squeeze

_SITE = re.compile(
    r"\s*(?:[—–|»·]|\s-|::)\s.{2,80}$|\s+\([^()]{0,60}\b(?:manual|documentation|reference|guide)\b[^()]{0,20}\)$", re.IGNORECASE
)
_TITLES = ("citation_title", "dc.title", "dcterms.title", "og:title")
_AUTHORS = ("citation_author", "author", "dc.creator", "dcterms.creator", "article:author")
_DATES = (
    "citation_publication_date",
    "citation_date",
    "dc.date",
    "dcterms.date",
    "dcterms.issued",
    "dc.date.issued",
    "article:published_time",
    "datepublished",
    "dcterms.created",
    "date",
    "dcterms.modified",
    "article:modified_time",
)
_RIGHTS = ("dc.rights", "dcterms.rights", "dcterms.license", "dc.license", "license", "copyright", "citation_license")
_CLAIM = re.compile(
    r"\b(?:this|the) (?:document|documentation|page|work|site|website|content|contents|article|text|book|manual|tutorial)s?\b[^.]{0,120}"
    r"\blicen[cs]ed\b|except where otherwise noted",
    re.IGNORECASE,
)
_MAX_JSON = 200_000


@dataclass(frozen=True, slots=True)
class Facts:
    """Title, authors joined by '; ', date as ISO 8601, licence as SPDX id; '' unknown."""

    title: str
    authors: str
    date: str
    licence: str


def facts_of(tree: Any, heading: str) -> Facts:
    """Facts of a whole tree; heading is the first one of its text."""
    metas: dict[str, list[str]] = {}
    for tag in tree.iter("meta"):
        name = (tag.get("name") or tag.get("property") or tag.get("itemprop") or "").lower()
        if name and (value := squeeze(tag.get("content") or "")):
            metas.setdefault(name, []).append(value)
    linked = _linked(tree)
    authors = _first(metas, _AUTHORS) or linked.get("author", [])
    dates = [*_first(metas, _DATES)[:1], *linked.get("date", []), *(tag.get("datetime") or "" for tag in tree.iter("time"))][:3]
    date = next(filter(None, map(iso_date, dates)), "")
    return Facts(_title(tree, metas, heading), "; ".join(authors[:50]), date, _licence(tree, metas, linked))


def _first(metas: dict[str, list[str]], names: tuple[str, ...]) -> list[str]:
    return next((metas[name] for name in names if name in metas), [])


def _title(tree: Any, metas: dict[str, list[str]], heading: str) -> str:
    title = next(iter(_first(metas, _TITLES)), "") or squeeze("".join(next((tag.itertext() for tag in tree.iter("title")), iter(()))))
    edge = re.compile(rf"{re.escape(heading)}\s*[-—–|:·»(].*|.*[-—–|:·»]\s*{re.escape(heading)}", re.DOTALL)
    if len(heading) > 3 and len(heading) < len(title) and edge.fullmatch(title):
        return heading
    return _SITE.sub("", title) or title or heading


def _licence(tree: Any, metas: dict[str, list[str]], linked: dict[str, list[str]]) -> str:
    """A licence that the page claims for itself: a rel=license link, a rights statement. Links to licences in the text say nothing."""
    claims = [element.get("href") or "" for element in tree.iter("a", "link") if "license" in (element.get("rel") or "").lower().split()]
    claims += [value for name in _RIGHTS for value in metas.get(name, [])]
    claims += linked.get("licence", [])
    for element in tree.xpath("//a[contains(@href, 'creativecommons.org/')]")[:20]:
        around = squeeze(plain_text(element.getparent()))
        if len(around) < 600 and _CLAIM.search(around):
            claims.append(element.get("href"))
    return next(filter(None, map(licence_of, claims)), "")


def _linked(tree: Any) -> dict[str, list[str]]:
    """author, date and licence of the page's JSON-LD."""
    found: dict[str, list[str]] = {}
    for element in tree.iter("script"):
        source = element.text or ""
        if "ld+json" not in (element.get("type") or "") or len(source) > _MAX_JSON:
            continue
        try:
            value = json.loads(source)
        except (ValueError, RecursionError):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, dict):
                for name, key in (("author", "author"), ("date", "datePublished"), ("licence", "license")):
                    found.setdefault(name, []).extend(_names(node.get(key)))
    return found


def _names(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    names = [each.get("name") if isinstance(each, dict) else each for each in values]
    return [squeeze(name) for name in names if isinstance(name, str) and name.strip()]
