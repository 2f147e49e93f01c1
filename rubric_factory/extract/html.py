"""HTML to text: decode, parse, walk once, choose the main part, drop link lists, and hold what came out against what was in the page.

The main part is what the page itself marks as such (main, article, role=main, the containers that documentation tools write); where
nothing is marked, the body without furniture and lists of links. trafilatura is asked where more than a third of that still are links,
as on pages made for the web: it says where the content begins and ends and which link-laden blocks are none; the blocks stay ours,
because it loses headings, code and tables.
"""

import re
from collections.abc import Iterator

from rubric_factory.errors import MissingExtraError
from rubric_factory.extract.html_facts import facts_of
from rubric_factory.extract.html_render import Page, walk
from rubric_factory.extract.html_tree import main_of, parse, size_of
from rubric_factory.extract.plain import decode
from rubric_factory.extract.result import Extracted, Refused, join
from rubric_factory.text import words

_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{2,40})""",
    re.IGNORECASE,
)
# Below this share of the characters that a reader sees, links in furniture apart, text was lost without a word.
MIN_KEPT = 0.4
MIN_LOST = 300
MAX_LINKED = 0.6
MIN_UNLINKED = 500
LINK_LIST = 0.9
ASK_LINKED = 0.35


def extract(data: bytes) -> Extracted:
    """Text of an HTML page. Errors: Refused empty, navigation, content_lost, unparseable."""
    declared = match[1] or match[2] if (match := _DECLARED.search(data[:4096])) else b""
    source = decode(data, declared.decode("ascii", "replace"))
    tree = parse(source)
    body = tree.find("body")
    body = tree if body is None else body
    total = size_of(body)
    page = walk(body, main_of(body))
    chosen, how = _main(page)
    text_size, linked = sum(page.sizes[i] for i in chosen), sum(page.linked[i] for i in chosen)
    kept = _without_link_lists(page, chosen)
    left = sum(page.sizes[i] for i in kept)
    _check(page, total, left, text_size, linked, how)
    unlinked = left - sum(page.linked[i] for i in kept)
    if how == "body" and left - unlinked > ASK_LINKED * left:
        kept, how = _by_trafilatura(source, page, kept, unlinked), "trafilatura"
    text, _, sections = join([page.blocks[i] for i in kept])
    facts = facts_of(tree, sections[0].title if sections else "")
    return Extracted(
        text, facts.title, facts.authors, (), sections, f"html:{how}", page.removed + page.counts.hidden, facts.date, facts.licence
    )


def _main(page: Page) -> tuple[range, str]:
    """The blocks of the marked main part if they hold half of the page, else all."""
    every = range(len(page.blocks))
    if page.main is None:
        return every, "body"
    marked = range(*page.main)
    return (marked, "marked") if 2 * sum(page.sizes[i] for i in marked) >= sum(page.sizes) else (every, "body")


def _check(page: Page, total: int, left: int, text_size: int, linked: int, how: str) -> None:
    """Refuse pages without text, pages of links, and pages whose text did not come out. Sizes in characters that are no blanks."""
    in_furniture = page.counts.main_furniture_links if how == "marked" else page.counts.furniture_links
    if not text_size and not in_furniture:
        raise Refused("empty", "no visible text")
    share = (linked + in_furniture) / (text_size + in_furniture)
    if share > MAX_LINKED and text_size - linked < MIN_UNLINKED:
        raise Refused("navigation", f"{share:.0%} of the characters are links, {text_size - linked} characters are not")
    seen = total - page.counts.unseen - page.counts.furniture_links - (text_size - left)
    if left < MIN_KEPT * seen and seen - left > MIN_LOST:
        raise Refused("content_lost", f"{left} of {seen} visible characters came out")


def _without_link_lists(page: Page, chosen: range) -> list[int]:
    """Indices without blocks of nothing but links at both ends, and without sections that hold nothing else."""
    links = {i for i in chosen if not page.blocks[i].level and page.linked[i] >= LINK_LIST * page.sizes[i]}
    drop: set[int] = set()
    for ends in (chosen, reversed(chosen)):
        for i in ends:
            if i not in links or page.blocks[i].text.startswith("- "):
                break
            drop.add(i)
    for heading, content in _sections(page, chosen):
        if content and links.issuperset(content):
            drop.update(content, (heading,))
    kept = [i for i in chosen if i not in drop]
    while kept and page.blocks[kept[-1]].level and len(kept) > 1:
        kept.pop()
    return kept


def _sections(page: Page, chosen: range) -> Iterator[tuple[int, list[int]]]:
    """Headings with the blocks up to the next heading; a heading that has deeper ones below it and nothing else has no content."""
    heading, content = -1, list[int]()
    for i in chosen:
        if page.blocks[i].level:
            if heading >= 0:
                yield heading, content
            heading, content = i, []
        elif heading >= 0:
            content.append(i)
    if heading >= 0:
        yield heading, content


def _by_trafilatura(source: str, page: Page, kept: list[int], unlinked: int) -> list[int]:
    """Our blocks between the first and the last that trafilatura takes for content, without link-laden ones that it leaves out.

    All of them where it sees less than half of the characters outside links. Errors: MissingExtraError.
    """
    try:
        import trafilatura
        from lxml import html
    except ImportError as error:
        raise MissingExtraError.of(str(error.name), "pipeline") from None
    tree = html.document_fromstring(source.encode("utf-8", "replace"), parser=html.HTMLParser(huge_tree=True, encoding="utf-8"))
    found = trafilatura.extract(tree, fast=True, include_tables=True, include_comments=False) or ""
    whole = f" {' '.join(words(found))} "
    seen = [i for i in kept if f" {' '.join(words(page.blocks[i].text))} " in whole]
    if not seen or 2 * sum(page.sizes[i] for i in seen) < unlinked:
        return kept
    first = seen[0]
    while first - 1 in kept and page.blocks[first - 1].level:
        first -= 1
    taken = set(seen)
    return [i for i in kept if first <= i <= seen[-1] and (i in taken or 2 * page.linked[i] <= page.sizes[i])]
