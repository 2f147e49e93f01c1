"""Plain text and Markdown: paragraphs kept as they are, Markdown headings become sections."""

import re

from rubric_factory.extract.kind import bom_encoding
from rubric_factory.extract.result import Block, Extracted, join
from rubric_factory.text import clean, squeeze

_GAP = re.compile(r"\n[ \t]*\n\s*")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t#]*")
_UNDERLINED = re.compile(r"([^\n]{2,100})\n(=+|-+|~+)\s*")


def decode(data: bytes, declared: str | None = None) -> str:
    """Text of bytes: byte order mark, UTF-8 if it decodes, else the declared encoding, else Windows-1252 with Latin-1's holes.

    UTF-8 before the declaration: pages that declare Latin-1 and are UTF-8 (or the other way round) are common, and text that
    decodes as UTF-8 by chance is not.
    """
    if (mark := bom_encoding(data)) is not None:
        return data.decode(mark, "replace")
    for encoding in ("utf-8", declared, "cp1252"):
        try:
            if encoding:
                return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def extract(data: bytes) -> Extracted:
    """Text of a plain-text or Markdown file."""
    text, removed = clean(decode(data))
    blocks = []
    fenced = False
    for part in _GAP.split(text.strip("\n")):
        block = part.rstrip()
        if not block.strip():
            continue
        blocks.extend([Block(block)] if fenced else _blocks(block))
        fenced ^= len(re.findall(r"^```", block, re.MULTILINE)) % 2 == 1
    joined, _, sections = join(blocks)
    title = sections[0].title if sections and sections[0].start == 0 else ""
    return Extracted(joined, title=title, sections=sections, extractor="plain", removed_characters=removed)


def _blocks(block: str) -> list[Block]:
    """A paragraph, with a heading in its first line or lines taken off."""
    head, _, rest = block.partition("\n")
    if match := _HEADING.fullmatch(head):
        heading = Block(squeeze(match[2]), level=len(match[1]))
    elif match := _UNDERLINED.match(block):
        heading, rest = Block(squeeze(match[1]), level=1 if match[2][0] == "=" else 2), block[match.end() :]
    else:
        return [Block(block)]
    return [heading, Block(rest)] if rest.strip() else [heading]
