"""What a page carries besides its text: running headers and footers, page numbers, tables of contents."""

import re
from collections import Counter
from collections.abc import Sequence

from rubric_factory.extract.layout import Line

_NUMBER = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(r"[-–— ]*(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:/|of)\s*\d{1,4})?[-–— ]*", re.IGNORECASE)
_LEADER = re.compile(r"(?:\.\s?){4,}\s*(?:\d{1,4}|[ivxlc]{1,6})?$")
_CONTENTS = re.compile(r"(?:\d+\.?\s+)?(?:table of )?contents|list of (?:figures|tables)", re.IGNORECASE)
_ENTRY = re.compile(r"\D.*\s(?:\d{1,4}|[ivxlc]{1,6})$|^\d+(?:\.\d+)*\.?\s+\S.*\s\d{1,4}$")
MAX_LINE = 120
REPEATS = 3


def strip(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Pages without running headers, footers, page numbers and tables of contents."""
    edges = [_edges(page) for page in pages]
    repeated = Counter(form for page, found in zip(pages, edges, strict=True) for form in {_form(page[i].text) for i in found})
    shift = _numbering(pages, edges)
    kept: list[list[Line]] = []
    for number, (page, found) in enumerate(zip(pages, edges, strict=True)):
        drop = {i for i in found if _is_furniture(page[i].text, repeated, len(pages), None if shift is None else number + shift)}
        kept.append([line for i, line in enumerate(page) if i not in drop])
    return _without_contents(kept)


def _edges(page: Sequence[Line]) -> list[int]:
    """Indices of the two topmost and two bottommost lines (by height where it is known, else by order)."""
    order = sorted(range(len(page)), key=lambda i: (-page[i].y, i)) if any(line.size for line in page) else list(range(len(page)))
    return sorted({*order[:2], *order[-2:]})


def _form(text: str) -> str:
    return _NUMBER.sub("#", text.lower()).strip()


def _numbering(pages: Sequence[Sequence[Line]], edges: Sequence[list[int]]) -> int | None:
    """Printed page number minus page index, if one holds on at least three pages and on 40 % of them."""
    shifts: Counter[int] = Counter()
    for number, (page, found) in enumerate(zip(pages, edges, strict=True)):
        shifts.update({value - number for i in found for value in _outer_numbers(page[i].text)})
    if not shifts:
        return None
    shift, count = max(shifts.items(), key=lambda item: (item[1], -abs(item[0])))
    return shift if count >= REPEATS and count >= 0.4 * len(pages) else None


def _outer_numbers(text: str) -> set[int]:
    """Numbers that a line begins or ends with."""
    tokens = text.split()
    ends = {tokens[0], tokens[-1]} if tokens else set()
    return {int(token) for token in ends if token.isdecimal() and len(token) <= 4}


def _is_furniture(text: str, repeated: Counter[str], pages: int, printed: int | None) -> bool:
    if len(text) > MAX_LINE:
        return False
    if _PAGE_NUMBER.fullmatch(text):
        return True
    if printed is not None and printed in _outer_numbers(text) and len(text) <= 80:
        return True
    return repeated[_form(text)] >= max(REPEATS, 0.2 * pages)


def _without_contents(pages: list[list[Line]]) -> list[list[Line]]:
    """Drop dotted leaders, and the entries that follow a heading 'Contents' while most lines end in a page number."""
    inside = False
    kept: list[list[Line]] = []
    for page in pages:
        rest: list[Line] = []
        for i, line in enumerate(page):
            if _LEADER.search(line.text) or (_ENTRY.match(line.text) and _beside_leader(page, i)):
                continue
            if _CONTENTS.fullmatch(line.text):
                inside = _mostly_entries(page[i + 1 : i + 9])
                if inside:
                    continue
            elif inside:
                inside = bool(_ENTRY.match(line.text)) or _mostly_entries(page[i + 1 : i + 5])
                if inside:
                    continue
            rest.append(line)
        kept.append(rest)
        inside = inside and bool(page)
    return kept


def _beside_leader(page: Sequence[Line], index: int) -> bool:
    return any(_LEADER.search(line.text) for line in (*page[max(0, index - 2) : index], *page[index + 1 : index + 3]))


def _mostly_entries(lines: Sequence[Line]) -> bool:
    hits = sum(bool(_ENTRY.match(line.text) or _LEADER.search(line.text)) for line in lines)
    return len(lines) >= 2 and hits >= 0.6 * len(lines)
