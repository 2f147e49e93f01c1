"""HTML to text: decode, parse, drop what is not read, find the main part, render its blocks, and check that nothing got lost.

The main part is what the page itself marks as such (main, article, role=main, the containers that documentation tools write). Where
nothing is marked, trafilatura decides, unless it loses the headings, as it does on some manuals: then the body is taken.
"""

import re
from typing import Any

from rubric_factory.errors import MissingExtraError
from rubric_factory.extract.html_render import render, visible
from rubric_factory.extract.html_tree import drop_furniture, drop_hidden, facts_of, main_of, parse
from rubric_factory.extract.plain import decode
from rubric_factory.extract.result import Block, Extracted, Refused, join
from rubric_factory.text import squeeze, words

_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
# Below this share of the words on the page, text was lost without a word; what was lost is most likely the document.
MIN_KEPT = 0.3
MAX_LINKED = 0.6


def extract(data: bytes) -> Extracted:
    """Text of an HTML page. Errors: Refused empty, navigation, content_lost."""
    declared = match[1].decode("ascii", "replace") if (match := _DECLARED.search(data[:4096])) else None
    tree = parse(decode(data, declared))
    facts = facts_of(tree)
    hidden = drop_hidden(tree)
    everything = visible(tree)
    drop_furniture(tree)
    main, how = _main(tree)
    blocks, removed, linked = render(main)
    if how == "body" and (found := _trafilatura(tree)) and _keeps_headings(found, blocks):
        blocks, how = found, "trafilatura"
    text, _, sections = join(blocks)
    if not text:
        raise Refused("empty", "no visible text")
    if linked > MAX_LINKED:
        raise Refused("navigation", f"{linked:.0%} of the words are links")
    kept, shown = len(words(text)), len(words(everything))
    if kept < MIN_KEPT * shown:
        raise Refused("content_lost", f"{kept} of {shown} visible words came out")
    title = facts.title or (sections[0].title if sections else "")
    return Extracted(text, title, facts.authors, (), sections, f"html:{how}", removed + hidden)


def _main(tree: Any) -> tuple[Any, str]:
    marked = main_of(tree)
    if marked is not None and 2 * len(words(visible(marked))) >= len(words(visible(tree))):
        return marked, "marked"
    body = tree.find("body")
    return (tree if body is None else body), "body"


def _trafilatura(tree: Any) -> list[Block]:
    """The main text as trafilatura sees it; it works on a copy. Errors: MissingExtraError."""
    try:
        import trafilatura
        from lxml import html
    except ImportError as error:
        raise MissingExtraError.of(str(error.name), "pipeline") from None
    copy = html.fromstring(html.tostring(tree), parser=html.HTMLParser(huge_tree=True, encoding="us-ascii"))
    found = trafilatura.extract(
        copy, fast=True, output_format="html", include_tables=True, include_comments=False, include_links=False, include_formatting=True
    )
    if not found:
        return []
    blocks, _, _ = render(html.fromstring(found))
    return blocks


def _keeps_headings(found: list[Block], expected: list[Block]) -> bool:
    """Whether at least two thirds of the page's headings, and half of its words, came through."""
    titles = {squeeze(block.text) for block in found if block.level}
    wanted = [squeeze(block.text) for block in expected if block.level]
    enough = 2 * sum(len(words(b.text)) for b in found) >= sum(len(words(b.text)) for b in expected)
    return enough and 3 * sum(title in titles for title in wanted) >= 2 * len(wanted)
