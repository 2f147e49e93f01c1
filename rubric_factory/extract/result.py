"""What a parser hands back: an Extracted, or a Refused with its reason; and blocks joined to a text with exact offsets."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rubric_factory.records import Section

# Part of every settings digest: raised whenever the same bytes come out as another text.
EXTRACTION = 7


class Refused(Exception):
    """A document that is not kept. reason: a snake_case word; detail: one line with the figure."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True, slots=True)
class Extracted:
    """Text of one document. page_starts: offset of each page, empty without pages. removed_characters: dropped by cleaning.

    date: ISO 8601 to the precision known (2021, 2021-05, 2021-05-30), licence: SPDX id that the document itself names; '' unknown.
    """

    text: str
    title: str = ""
    authors: str = ""
    page_starts: tuple[int, ...] = ()
    sections: tuple[Section, ...] = ()
    extractor: str = ""
    removed_characters: int = 0
    date: str = ""
    licence: str = ""


@dataclass(slots=True)
class Block:
    """A paragraph, heading (level >= 1), list item, table or fenced code. pages: (page index, offset in text) where a page begins."""

    text: str
    level: int = 0
    pages: list[tuple[int, int]] = field(default_factory=list)


def join(blocks: Sequence[Block], page_count: int = 0) -> tuple[str, tuple[int, ...], tuple[Section, ...]]:
    """Blocks joined by empty lines: text, page starts, sections.

    Every section title stands in the text at its start: text.startswith(title, start). An empty page begins where the next one does.
    """
    parts: list[str] = []
    sections: list[Section] = []
    begins: dict[int, int] = {}
    length = 0
    for block in blocks:
        for page, offset in block.pages:
            begins.setdefault(page, length + offset)
        if block.level:
            sections.append(Section(length, block.level, block.text))
        parts.append(block.text)
        length += len(block.text) + 2
    text = "\n\n".join(parts)
    starts: list[int] = []
    following = len(text)
    for page in range(page_count - 1, -1, -1):
        following = begins.get(page, following)
        starts.append(following)
    starts.reverse()
    if starts:
        starts[0] = 0
    return text, tuple(starts), tuple(sections)
