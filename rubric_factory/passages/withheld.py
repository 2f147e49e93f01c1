"""A paper in two: what its reader is shown (front matter, methods) and what is withheld (results, conclusion), told by its headings.

CLR-voyance (arXiv 2605.09584): one side sees what came before, the other what came of it. No heuristics over sentences: a heading says
what stands under it, and what no heading names is visible only between the front matter and the first withheld section.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rubric_factory.passages.blocks import blocks
from rubric_factory.passages.chunk import Part, parts
from rubric_factory.passages.contamination import NO_BENCHMARK, Benchmark
from rubric_factory.records import Document, Passage
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.text import words

# Raised whenever the same text and settings fall in two otherwise: part of the digest of a cut that withholds sections.
VERSION = 1
# Refusal of a passage that is not asked about because it is not withheld.
NOT_WITHHELD = "not_withheld"
# A summary among so many first parts of a document, before any introduction, is its abstract.
_OPENING = 3
# Headings that are named where a document has no pair.
_SHOWN = 6


class Kind(StrEnum):
    """What stands under a heading. MIXED: visible and withheld matter together; BACK: neither, at the end of a document."""

    FRONT = "front"
    METHODS = "methods"
    RESULTS = "results"
    CONCLUSION = "conclusion"
    MIXED = "mixed"
    BACK = "back"
    OTHER = "other"


VISIBLE = frozenset({Kind.FRONT, Kind.METHODS})
WITHHELD = frozenset({Kind.RESULTS, Kind.CONCLUSION})
# Words that give a heading its kind, and those that may stand beside them: 'Numerical results', 'Summary and outlook', 'Materials and
# methods'. A heading with any other word ('Methods for linear mixed models') says nothing of its kind: its subject is named so.
_CORES: dict[Kind, tuple[str, ...]] = {
    Kind.FRONT: ("abstract", "introduction", "background", "motivation", "preliminaries"),
    Kind.METHODS: ("method", "methods", "methodology", "materials", "setup", "apparatus", "instrumentation", "procedure", "procedures"),
    Kind.RESULTS: ("result", "results", "findings", "evaluation", "experiments", "discussion", "discussions"),
    Kind.CONCLUSION: ("conclusion", "conclusions", "concluding", "summary"),
}
_BESIDE = frozenset(
    {
        *("a", "an", "and", "the", "of", "our", "on", "for", "to", "in", "with", "main", "key", "general", "overall", "final", "executive"),
        *("experimental", "numerical", "empirical", "simulation", "computational", "theoretical", "statistical", "performance", "proposed"),
        *("model", "data", "study", "design", "test", "analysis", "problem", "statement", "overview", "scope", "notation", "remarks"),
        *("comments", "future", "further", "work", "outlook", "perspectives", "directions", "limitations", "recommendations"),
        *("implications", "related", "prior", "previous", "literature", "review"),
    }
)
# What no paper found itself: 'Discussion of related work', 'Summary of notation' are nothing that came of it.
_NOT_FOUND = frozenset({"related", "prior", "previous", "literature", "notation", "scope", "problem", "statement"})
_BACK = re.compile(
    r"references|bibliography|acknowledge?ments?|append(ix|ices)\b.*|(table of )?contents|index|glossary|funding|affiliations?"
    r"|licen[cs](e|ing)|copyright|copying|supplementary \w+|supporting information|conflicts? of interest|competing interests"
    r"|(data |code )?availability|keywords?|authors?|author contributions|(version|change|revision) history"
)
_NUMBER = re.compile(r"^\s*(?:(?:section|chapter)\s+)?(?:(?:\d+|[ivxlc]+|[A-Z])(?:\.\d+)*[.):]?\s+)?", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")


@lru_cache(maxsize=4096)
def kind_of(heading: str) -> Kind:
    """Kind of what stands under one heading, by its words alone, its number aside."""
    bare = _NUMBER.sub("", heading, count=1).lower().replace("set-up", "setup").replace("set up", "setup").strip(" .:")
    if _BACK.fullmatch(bare):
        return Kind.BACK
    tokens = set(_WORD.findall(bare))
    found = [kind for kind, core in _CORES.items() if tokens & set(core)]
    if not found or re.sub(r"[a-z\s,&/.:()-]", "", bare) or not tokens <= _BESIDE.union(*(_CORES[kind] for kind in found)):
        return Kind.OTHER
    if len({kind in WITHHELD for kind in found}) > 1:
        return Kind.MIXED
    if found[0] in WITHHELD and tokens & _NOT_FOUND:
        return Kind.OTHER
    return found[0]


def kind_of_path(path: str) -> Kind:
    """Kind of what stands under 'A > B > C': the highest heading that has a kind decides.

    Whatever stands under a withheld heading is withheld; what stands under a visible one is not, where a heading below withholds it.
    """
    kinds = [kind for kind in map(kind_of, path.split(" > ")) if kind is not Kind.OTHER]
    if not kinds:
        return Kind.OTHER
    if Kind.BACK in kinds:
        return Kind.BACK
    return Kind.MIXED if kinds[0] in VISIBLE and set(kinds) - VISIBLE else kinds[0]


@dataclass(frozen=True, slots=True)
class Split:
    """How a document falls in two. reason: snake_case, why it does not, '' where it does; detail: with the headings, for people.

    visible: what is shown, whole blocks, at most visible_words words (`\\w+` runs); withheld, shown: spans of the text, ascending.
    """

    reason: str
    detail: str
    visible: str = ""
    withheld: tuple[tuple[int, int], ...] = ()
    shown: tuple[tuple[int, int], ...] = ()

    def holds(self, passage: Passage) -> bool:
        """Whether a passage may be asked about: its section and most of it are withheld, and nothing of it is visible, shown or not."""
        if self.reason or kind_of_path(passage.section) not in WITHHELD:
            return False
        return 2 * _overlap(self.withheld, passage) > len(passage.text) and not _overlap(self.shown, passage)

    def refusal(self, passage: Passage) -> str:
        """Why a passage is not withheld, for people; '' where it is."""
        if self.holds(passage):
            return ""
        return f"its document is not asked about: {self.reason}: {self.detail}" if self.reason else f"it is not withheld; {self.detail}"


def _overlap(spans: Sequence[tuple[int, int]], passage: Passage) -> int:
    """Characters that a passage shares with the spans, white space at the passage's ends not among them (it has none)."""
    return sum(max(0, min(end, passage.char_end) - max(start, passage.char_start)) for start, end in spans)


def _is_summary(path: str) -> bool:
    """Whether every heading of a path that has a kind is a summary: 'Summary', and neither 'Conclusion' nor 'Summary > Results'."""
    named = [title for title in path.split(" > ") if kind_of(title) is not Kind.OTHER]
    return bool(named) and all(kind_of(title) is Kind.CONCLUSION and "summary" in title.lower() for title in named)


def _kinds(found: list[Part]) -> list[Kind]:
    """Kind of each part by its heading and its place.

    A summary before the introduction is front matter, and so is what stands before any heading. What has no kind by its heading is
    methods between the first visible part and the first withheld one; elsewhere it stays on neither side.
    """
    kinds = [kind_of_path(part.path) for part in found]
    first = next((at for at, kind in enumerate(kinds) if kind in VISIBLE), len(kinds))
    opening = [at for at in range(min(first, _OPENING)) if _is_summary(found[at].path)]
    kinds = [Kind.FRONT if at in opening else kind for at, kind in enumerate(kinds)]
    first = min(first, *opening) if opening else first
    hidden = next((at for at, kind in enumerate(kinds) if kind in WITHHELD | {Kind.MIXED}), len(kinds))
    return [
        Kind.METHODS if kind is Kind.OTHER and first < at < hidden else Kind.FRONT if kind is Kind.OTHER and part.path == "" else kind
        for at, (kind, part) in enumerate(zip(kinds, found, strict=True))
    ]


def _shown(text: str, spans: Sequence[tuple[int, int]], limit: int) -> tuple[str, int]:
    """The first whole blocks of the spans, at most limit words together; and their number of words."""
    taken: list[str] = []
    used = 0
    for start, end in spans:
        for block in blocks(text, start, end):
            piece = text[block.start : block.end]
            size = len(words(piece))
            if used + size > limit:
                return "\n\n".join(taken), used
            taken.append(piece)
            used += size
    return "\n\n".join(taken), used


def _visible(text: str, front: Sequence[tuple[int, int]], methods: Sequence[tuple[int, int]], limit: int) -> tuple[str, int]:
    """Front matter, then methods: half of the words each, and what one leaves goes to the other."""
    _, wanted = _shown(text, methods, limit)
    first, used = _shown(text, front, max(limit - wanted, limit // 2))
    second, more = _shown(text, methods, limit - used)
    return "\n\n".join(piece for piece in (first, second) if piece), used + more


def _merged(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans with neighbours joined."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        elif start < end:
            found.append((start, end))
    return tuple(found)


def _named(found: list[Part], kinds: list[Kind], wanted: frozenset[Kind]) -> str:
    names = [part.path.rpartition(" > ")[2] for part, kind in zip(found, kinds, strict=True) if kind in wanted and part.path]
    return "; ".join(names[:_SHOWN]) + ("; …" if len(names) > _SHOWN else "") or "none"


def _missing(document: Document, kinds: list[Kind], named: set[Kind]) -> tuple[str, str]:
    """Why a document's headings make no pair: reason and detail, both '' where they do. named: kinds by the words of headings alone."""
    if not document.sections:
        return "no_headings", "its text has no heading"
    if not WITHHELD & set(kinds):
        return "no_withheld_part", "no heading names results, an evaluation, a discussion or a conclusion"
    if not VISIBLE & set(kinds):
        return "no_visible_part", "no heading names an abstract, an introduction or methods"
    first = [next(at for at, kind in enumerate(kinds) if kind in side) for side in (VISIBLE, WITHHELD)]
    if first[0] > first[1]:
        return "withheld_first", "its first withheld section stands before its first visible one"
    if document.genre != "paper" and not {Kind.METHODS, Kind.RESULTS} <= named:
        return "not_paper_like", f"genre {document.genre or 'unknown'}, and no headings for both methods and results"
    return "", ""


def split_of(document: Document, settings: PassageSettings, benchmark: Benchmark = NO_BENCHMARK) -> Split:
    """The document in two; visible and withheld spans never share a character. What repeats the benchmark is not shown to an author."""
    found = parts(document)
    kinds = _kinds(found)
    under = [kind for kind, part in zip(kinds, found, strict=True) if part.path]
    reason, detail = _missing(document, under, {kind_of_path(part.path) for part in found})
    if reason:
        return Split(reason, detail)
    spans = {kind: _merged([(part.start, part.end) for part, own in zip(found, kinds, strict=True) if own is kind]) for kind in Kind}
    text, front, methods = document.text, spans[Kind.FRONT], spans[Kind.METHODS]
    visible, count = _visible(text, front, methods, settings.visible_words)
    headings = f"visible: {_named(found, kinds, VISIBLE)}; withheld: {_named(found, kinds, WITHHELD)}"
    if count < settings.min_words:
        return Split("visible_part_short", f"{count} words, {settings.min_words} are needed; {headings}")
    if hit := benchmark.hit(visible, words(visible), settings.decontaminate):
        return Split("visible_part_contaminated", f"its visible part: {hit.detail(0)}")
    return Split("", headings, visible, tuple(sorted(spans[Kind.RESULTS] + spans[Kind.CONCLUSION])), tuple(sorted(front + methods)))


def row_of(document: Document, split: Split, found: Sequence[Passage]) -> dict[str, object]:
    """Row of `withheld_sections`. found: the document's passages."""
    held = sum(split.holds(passage) for passage in found)
    short = not split.reason and not held
    return {
        "document_key": document.document_key,
        "reason": "no_withheld_passage" if short else split.reason,
        "detail": f"no passage is withheld for the most part; {split.detail}" if short else split.detail,
        "visible": "" if short else split.visible,
        "visible_words": 0 if short else len(words(split.visible)),
        "passages": held,
    }
