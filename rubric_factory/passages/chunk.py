"""Documents to passages: along headings and blocks, with exact offsets, pages, and anchors that survive edits elsewhere."""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from rubric_factory.passages.blocks import Block, Budget, Kind, blocks, pieces
from rubric_factory.passages.characters import Sizes
from rubric_factory.records import Document, Passage
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.text import squeeze

TITLE_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Part:
    """The text under one heading, up to the next heading of any level. name: path, made unique in the document; '' before any."""

    start: int
    end: int
    level: int
    path: str
    name: str


@dataclass(frozen=True, slots=True)
class _Unit:
    """A block, or a piece of one that is too long (whole is False), in its part."""

    start: int
    end: int
    part: int
    block: Block
    whole: bool


def parts(document: Document) -> list[Part]:
    """The document cut at its headings, in order, the text before the first heading included; paths read 'A > B'.

    A path that occurs again is named 'A > B [2]', and so on.
    """
    length = len(document.text)
    heads = sorted(((min(max(s.start, 0), length), s.level, squeeze(s.title)[:TITLE_CHARACTERS] or "untitled") for s in document.sections),
                   key=lambda head: head[0])  # fmt: skip
    starts = [start for start, _, _ in heads] + [length]
    found = [Part(0, starts[0], 0, "", "")] if starts[0] > 0 else []
    above: list[tuple[int, str]] = []
    used: set[str] = set()
    repeats: Counter[str] = Counter()
    for position, (start, level, title) in enumerate(heads):
        while above and above[-1][0] >= level:
            above.pop()
        above.append((level, title))
        path = " > ".join(title for _, title in above)
        name = path
        while name in used:
            repeats[path] += 1
            name = f"{path} [{repeats[path] + 1}]"
        used.add(name)
        found.append(Part(start, starts[position + 1], level, path, name))
    return found


class _Chunker:
    """One document's blocks, joined into spans of the right size."""

    def __init__(self, document: Document, settings: PassageSettings) -> None:
        self.text = document.text
        self.settings = settings
        self.sizes = Sizes(document.text)
        self.budget = Budget(self.sizes, settings.max_words, settings.max_tokens)
        self.parts = parts(document)

    def units(self) -> Iterator[_Unit]:
        """Blocks of every part; those over the budget in pieces."""
        for number, part in enumerate(self.parts):
            for block in blocks(self.text, part.start, part.end):
                if self.budget.fits(block.start, block.end):
                    yield _Unit(block.start, block.end, number, block, True)
                else:
                    yield from self.split(block, number)

    def split(self, block: Block, number: int) -> list[_Unit]:
        """A block as its sentences or lines."""
        return [_Unit(piece.start, piece.end, number, piece, False) for piece in pieces(self.text, block, self.budget)]

    def words(self, held: list[_Unit], end: int | None = None) -> int:
        """Words from the first held unit to the last, or to end."""
        return self.sizes.words(held[0].start, held[-1].end if end is None else end) if held else 0

    def same_topic(self, held: list[_Unit], unit: _Unit) -> bool:
        """Under one heading; or what is held is too short to stand alone and the next heading is not a higher one."""
        last, new = self.parts[held[-1].part], self.parts[unit.part]
        return held[-1].part == unit.part or (self.words(held) < self.settings.min_words and new.level >= last.level)

    def continues(self, held: list[_Unit], unit: _Unit) -> bool:
        """Same part, and what is held ends in a colon (it introduces the unit) or the unit starts in lower case (a sentence goes on)."""
        cut = self.text[held[-1].end - 1] == ":" or (unit.block.kind is Kind.PROSE and self.text[unit.start].islower())
        return held[-1].part == unit.part and cut

    def drafts(self) -> list[list[_Unit]]:
        """Units grouped into passages: closed at a heading, at the first block end past target_words, or before the budget is spent."""
        closed: list[list[_Unit]] = []
        held: list[_Unit] = []
        queue = deque(self.units())
        while queue:
            unit = queue.popleft()
            if held:
                full = self.words(held) >= self.settings.target_words
                goes_on = self.continues(held, unit)
                topic = self.same_topic(held, unit) and (goes_on or not full)
                fits = self.budget.fits(held[0].start, unit.end)
                if topic and not fits and unit.whole and (goes_on or self.words(held) < self.settings.min_words):
                    queue.extendleft(reversed(self.split(unit.block, unit.part)))
                    continue
                if not (topic and fits):
                    closed.append(held)
                    held = []
            held.append(unit)
        return self.joined_tails([*closed, held] if held else closed)

    def joined_tails(self, drafts: list[list[_Unit]]) -> list[list[_Unit]]:
        """What is left over at the end of a part, too short to stand alone, goes to the passage before it, where it fits."""
        joined: list[list[_Unit]] = []
        for draft in drafts:
            short = self.words(draft) < self.settings.min_words
            one_part = bool(joined) and joined[-1][-1].part == draft[0].part == draft[-1].part
            if short and one_part and self.budget.fits(joined[-1][0].start, draft[-1].end):
                joined[-1] = joined[-1] + draft
            else:
                joined.append(draft)
        return joined

    def topic_of(self, draft: list[_Unit]) -> Part:
        """The part most of the words lie in; the first of equals."""
        weights: Counter[int] = Counter()
        for unit in draft:
            weights[unit.part] += self.sizes.words(unit.start, unit.end)
        return self.parts[max(weights, key=lambda number: (weights[number], -number))]


def chunk(document: Document, settings: PassageSettings) -> list[Passage]:
    """Passages of a document in order: disjoint spans that hold every word, none over max_words (`\\w+` runs) or max_tokens (estimated).

    A passage follows headings and blocks (paragraph, table, fenced code), and is closed at the first block end past target_words that
    is no colon and no page break within a sentence; a block is cut only where it does not fit. A rest shorter than min_words joins
    its neighbour under the same heading, a short section the next one. Anchor: '§section path/ordinal in it', or 'p<page>/ordinal on
    it' where there is no heading; ordinals from 1.
    """
    chunker = _Chunker(document, settings)
    ordinals: Counter[str] = Counter()
    passages = []
    for draft in chunker.drafts():
        start, end = draft[0].start, draft[-1].end
        pages = bisect_right(document.page_starts, start), bisect_right(document.page_starts, end - 1)
        part = chunker.topic_of(draft)
        place = f"§{part.name}" if part.name else f"p{pages[0]}"
        ordinals[place] += 1
        text = document.text[start:end]
        passages.append(
            Passage(
                passage_id=Passage.id_of(document.document_id, start, end, text),
                document_id=document.document_id,
                document_key=document.document_key,
                anchor=f"{place}/{ordinals[place]}",
                section=part.path,
                ordinal=ordinals[place],
                char_start=start,
                char_end=end,
                page_start=pages[0],
                page_end=pages[1],
                text=text,
            )
        )
    return passages
