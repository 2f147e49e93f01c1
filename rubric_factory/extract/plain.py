"""Plain text, Markdown and reStructuredText: decoded, cleaned, and cut into blocks; code and literal blocks are kept whole."""

import re
from collections.abc import Iterator

from rubric_factory.extract.facts import iso_date, licence_of
from rubric_factory.extract.kind import encoding_of
from rubric_factory.extract.pages import without_pages
from rubric_factory.extract.rest import Rest, is_rest
from rubric_factory.extract.result import Block, Extracted, join
from rubric_factory.text import clean, squeeze

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t#]*")
_UNDERLINED = re.compile(r"([^\n]{2,100})\n(=+|-+|~+)\s*")
_FRONT = re.compile(r"\A---\n((?:[\w-]+:[^\n]*\n|[ \t]+[^\n]*\n|- [^\n]*\n){1,60})---\s*\n")
_FIELD = re.compile(r"^(title|author|authors|date|license|licence):[ \t]*[\"']?(.*?)[\"']?[ \t]*$", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_NUMBERED = re.compile(r"((?:\d{1,2}|[A-Z])(?:\.\d{1,2}){0,4})\.?[ \t]+([A-Z(\"'`][^\n]{0,78})")
_LEADERS = re.compile(r"\.{3,}|(?:\. ){3,}|\s{3,}\d+$|[.,;:]$")
_CAPITALS = re.compile(r"[A-Z][A-Z0-9 /,&'()-]{2,60}")


def decode(data: bytes, declared: str | None = None) -> str:
    """Text of bytes: byte order mark, UTF-8 if it decodes, else the declared encoding, else Windows-1252 with Latin-1's holes.

    UTF-8 before the declaration: pages that declare Latin-1 and are UTF-8 (or the other way round) are common, and text that
    decodes as UTF-8 by chance is not.
    """
    if (mark := encoding_of(data)) is not None:
        return data.decode(mark, "replace")
    for encoding in ("utf-8", declared, "cp1252"):
        try:
            if encoding:
                return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def extract(data: bytes) -> Extracted:
    """Text of a plain-text, Markdown or reStructuredText file."""
    source, framed = without_pages(decode(data))
    text, removed = clean(source)
    text = text.expandtabs(8) if "\t" in text else text
    fields: dict[str, str] = {}
    if match := _FRONT.match(text):
        fields = {name.lower(): value for name, value in _FIELD.findall(match[1])}
        text = text[match.end() :]
    if is_rest(text):
        reader = Rest()
        reader.read([line.rstrip() for line in text.split("\n")])
        blocks, hidden, how = reader.blocks, reader.hidden, "rest"
    else:
        blocks, hidden = _plain(text)
        how = "plain"
    joined, _, sections = join(blocks)
    title = fields.get("title", "") or (sections[0].title if sections and (sections[0].start == 0 or how == "rest") else "")
    authors = fields.get("authors", "") or fields.get("author", "")
    licence = licence_of(fields.get("license", "") or fields.get("licence", ""))
    date = iso_date(fields.get("date", ""))
    return Extracted(joined, title, authors.strip("[]"), (), sections, how, removed + hidden + framed, date, licence)


def _plain(text: str) -> tuple[list[Block], int]:
    """Blocks of plain text or Markdown, and how many characters of HTML comments went."""
    blocks: list[Block] = []
    hidden = 0
    for part, fenced in _parts(text):
        if fenced:
            blocks.append(Block(part))
            continue
        if "<!--" in part:
            last = part.rfind("-->") + 3  # beyond it no comment ends
            shown = _COMMENT.sub("", part[:last]) + part[last:]
            hidden += len(part) - len(shown)
            part = shown
        blocks.extend(_blocks(part.rstrip()) if part.strip() else [])
    return _numbered(_capitals(blocks)), hidden


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Paragraphs, and fences as a whole: (text, whether it is a fence). An unclosed fence is no fence."""
    lines = text.split("\n")
    open_marks: list[str] = []  # opened and never closed: what begins with one has no end further down either
    part: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        stop = 0
        if (match := _FENCE.match(line)) and not any(match[1].startswith(mark) for mark in open_marks):
            stop = _fence_end(lines, position, match[1])
            if not stop:
                open_marks.append(match[1])
        if stop or not line.strip():
            yield "\n".join(part), False
            part = []
        if stop:
            yield "\n".join(lines[position:stop]), True
            position = stop
            continue
        if line.strip():
            part.append(line.rstrip())
        position += 1
    yield "\n".join(part), False


def _fence_end(lines: list[str], start: int, mark: str) -> int:
    """Position behind the line that closes a fence; 0 without one."""
    for position in range(start + 1, len(lines)):
        line = lines[position].strip()
        if line.startswith(mark) and not line.strip(mark[0]):
            return position + 1
    return 0


def _blocks(block: str) -> list[Block]:
    """A paragraph, with a heading in its first line or lines taken off."""
    head, _, rest = block.partition("\n")
    if match := _HEADING.fullmatch(head):
        heading = Block(squeeze(match[2]), level=len(match[1]))
    elif match := _UNDERLINED.match(block):
        heading, rest = Block(squeeze(match[1]), level=1 if match[2][0] == "=" else 2), block[match.end() :]
    else:
        return [Block(block)]
    return [heading, *(_blocks(rest) if rest.strip() else [])]


def _numbered(blocks: list[Block]) -> list[Block]:
    """Numbered headings (2.1. Wiring) of a text without others, where at least three follow each other in order."""
    if any(block.level for block in blocks):
        return blocks
    found: dict[int, int] = {}
    last: tuple[int, ...] = ()
    for position, block in enumerate(blocks):
        match = None if "\n" in block.text else _NUMBERED.fullmatch(block.text)
        if not match or not match[1][0].isdigit() or _LEADERS.search(match[2]):
            continue
        number = tuple(map(int, match[1].split(".")))
        if number in _followers(last):
            found[position] = len(number)
            last = number
    return _with_levels(blocks, found)


def _followers(last: tuple[int, ...]) -> set[tuple[int, ...]]:
    """Numbers that may come next: 1 or 0 at first; then the first below, or the next of any level above."""
    if not last:
        return {(0,), (1,)}
    return {(*last, 1), (*last, 0)} | {(*last[:level], last[level] + 1) for level in range(len(last))}


def _capitals(blocks: list[Block]) -> list[Block]:
    """Headings in capitals at the margin above indented text, as manual pages have them, where there are three or more."""
    if any(block.level for block in blocks):
        return blocks
    lines = [block.text.split("\n") for block in blocks]
    found = {
        position: 1
        for position, part in enumerate(lines)
        if _CAPITALS.fullmatch(part[0])
        and all(line.startswith(" ") for line in (part[1:] or (lines[position + 1 : position + 2] or [[""]])[0][:1]))
    }
    if len(found) < 3:
        return blocks
    split: list[Block] = []
    for position, block in enumerate(blocks):
        head, _, rest = block.text.partition("\n")
        split.extend([Block(squeeze(head), 1), *([Block(rest)] if rest else [])] if position in found else [block])
    return split


def _with_levels(blocks: list[Block], found: dict[int, int]) -> list[Block]:
    if len(found) < 3:
        return blocks
    return [Block(squeeze(b.text), min(found[i], 6)) if i in found else b for i, b in enumerate(blocks)]
