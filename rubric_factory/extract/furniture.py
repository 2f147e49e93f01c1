"""What a page carries besides its text: running headers and footers, page numbers, tables of contents."""

import re
from collections.abc import Sequence

from rubric_factory.extract.line import Line

_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"(?=[ivxlc])c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE)
_PAGE_NUMBER = re.compile(rf"[-–— ]*(?:page\s+)?(?:\d{{1,4}}|{_ROMAN.pattern})(?:\s*(?:/|of)\s*\d{{1,4}})?[-–— ]*", re.IGNORECASE)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_LEADER = re.compile(r"(?:\.\s?){4,}\s*(?:\d{1,4}|[ivxlc]{1,6})?$")
_CONTENTS = re.compile(r"(?:\d+\.?\s+)?(?:table of )?contents|list of (?:figures|tables)", re.IGNORECASE)
_ENTRY = re.compile(r"\D.*\s(?:\d{1,4}|[ivxlc]{1,6})$|^\d+(?:\.\d+)*\.?\s+\S.*\s\d{1,4}$")
MAX_LINE = 120
MAX_ENTRY = 400
REPEATS = 3
NEAR = 3  # pages: heads of left and right pages alternate, a chapter's stand close together
EDGE_LINES = 3
Form = tuple[str, int]


def strip(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Pages without running headers, footers, page numbers and tables of contents."""
    edges = [_edges(page) for page in pages]
    places: dict[Form, list[int]] = {}
    for number, (page, found) in enumerate(zip(pages, edges, strict=True)):
        for form in {_form(page[i]) for i in found}:
            places.setdefault(form, []).append(number)
    printed = _printed_numbers(pages, edges)
    kept: list[list[Line]] = []
    for number, (page, found) in enumerate(zip(pages, edges, strict=True)):
        drop = {i for i in found if _is_furniture(page, i, found[i], number, places, len(pages), printed.get(number, set()))}
        kept.append([line for i, line in enumerate(page) if i not in drop])
    return _without_contents(kept)


def _edges(page: Sequence[Line]) -> dict[int, int]:
    """Indices of the topmost and bottommost lines (by height where it is known, else by order), each with its distance from the edge."""
    order = sorted(range(len(page)), key=lambda i: (-page[i].y, i)) if any(line.size for line in page) else list(range(len(page)))
    found: dict[int, int] = {}
    for distance in range(min(EDGE_LINES, len(order))):
        found.setdefault(order[distance], distance)
        found.setdefault(order[-1 - distance], distance)
    return found


def _form(line: Line) -> Form:
    """What a running head has in common from page to page: its words without numbers, and its type size."""
    return _NUMBER.sub("#", line.text.lower()).strip(), round(line.size)


def _printed_numbers(pages: Sequence[Sequence[Line]], edges: Sequence[dict[int, int]]) -> dict[int, set[str]]:
    """The page numbers printed on each page, arabic or roman: what grows by one a page, on three pages and 40 % of a stretch."""
    shifts: dict[tuple[bool, int], dict[int, str]] = {}
    for number, (page, found) in enumerate(zip(pages, edges, strict=True)):
        for token in {token for i in found for token in _outer_tokens(page[i].text)}:
            value, roman = _value(token)
            if value:
                shifts.setdefault((roman, value - number), {})[number] = token
    printed: dict[int, set[str]] = {}
    for where in shifts.values():
        if len(where) >= REPEATS and len(where) >= 0.4 * (max(where) - min(where) + 1):
            for number, token in where.items():
                printed.setdefault(number, set()).add(token)
    return printed


def _outer_tokens(text: str) -> set[str]:
    """The first and the last token of a line."""
    tokens = text.split()
    return {tokens[0], tokens[-1]} if tokens else set()


def _value(token: str) -> tuple[int, bool]:
    """Value of an arabic or lower-case roman number and whether it is roman; 0 for anything else."""
    if token.isdecimal() and len(token) <= 4:
        return int(token), False
    if len(token) > 8 or not token.islower() or not _ROMAN.fullmatch(token):
        return 0, False
    values = [_ROMAN_VALUES[letter] for letter in token]
    return sum(-one if one < other else one for one, other in zip(values, [*values[1:], 0], strict=True)), True


def _is_furniture(
    page: Sequence[Line], index: int, distance: int, number: int, places: dict[Form, list[int]], pages: int, printed: set[str]
) -> bool:
    """Whether a line at the edge of a page is a page number, carries it, or repeats what other pages have there."""
    text = page[index].text
    if len(text) > MAX_LINE:
        return False
    if distance < 2 and (_PAGE_NUMBER.fullmatch(text) or (len(text) <= 80 and printed & _outer_tokens(text))):
        return True
    elsewhere = places[_form(page[index])]
    if len(elsewhere) >= max(REPEATS, 0.2 * pages):
        return True
    near = any(0 < abs(other - number) <= NEAR for other in elsewhere)
    return len(elsewhere) >= REPEATS and near and _stands_apart(page, index)


def _stands_apart(page: Sequence[Line], index: int) -> bool:
    """Whether a line is the outermost one of its page and more than a usual line's distance from the next."""
    line = page[index]
    if not line.size or len(page) < 2:
        return False
    gaps = [abs(line.y - other.y) for i, other in enumerate(page) if i != index]
    above = sum(other.y > line.y for other in page)
    return above in (0, len(page) - 1) and min(gaps) > 1.6 * line.size


def _without_contents(pages: list[list[Line]]) -> list[list[Line]]:
    """Drop dotted leaders, and the entries that follow a heading 'Contents' while most lines end in a page number."""
    inside = False
    kept: list[list[Line]] = []
    for page in pages:
        if not inside and not any(_leads(line.text) or _CONTENTS.fullmatch(line.text) for line in page if len(line.text) <= MAX_ENTRY):
            kept.append(page)
            continue
        rest: list[Line] = []
        for i, line in enumerate(page):
            if _leads(line.text) or (_ENTRY.match(line.text) and _beside_leader(page, i)):
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


def _leads(text: str) -> bool:
    """Whether a line holds a dotted leader."""
    return (".." in text or ". ." in text) and len(text) <= MAX_ENTRY and bool(_LEADER.search(text))


def _beside_leader(page: Sequence[Line], index: int) -> bool:
    return any(_leads(line.text) for line in (*page[max(0, index - 2) : index], *page[index + 1 : index + 3]))


def _mostly_entries(lines: Sequence[Line]) -> bool:
    hits = sum(bool(_ENTRY.match(line.text) or _leads(line.text)) for line in lines)
    return len(lines) >= 2 and hits >= 0.6 * len(lines)
