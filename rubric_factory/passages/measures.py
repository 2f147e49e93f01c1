"""All that is known of a document's passages from its own text: a pure function of document and settings, run once per document."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rubric_factory.passages.chunk import chunk
from rubric_factory.passages.contamination import NO_BENCHMARK, Benchmark
from rubric_factory.passages.quality import Quality, assess
from rubric_factory.passages.shingles import Hashes, exact_key, frames, set_key, shingles_of, without_frames
from rubric_factory.passages.withheld import NOT_WITHHELD, Split
from rubric_factory.records import Document, Passage
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.tables import passage_to_row
from rubric_factory.text import words

# Raised whenever the same text and settings give other passages or measures: part of their digest.
VERSION = 2
# Passages whose words are held at once.
_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Measured:
    """A passage with its quality, exact key (sha256 of its words) and shingles (sorted distinct uint32s, repeated frames left out)."""

    passage: Passage
    quality: Quality
    words_sha256: str
    shingles: Hashes

    def passage_row(self, settings_digest: str) -> dict[str, object]:
        """Row of `passages`."""
        return passage_to_row(self.passage, self.quality.words, settings_digest)

    def measure_row(self, shard: str, shard_row: int) -> dict[str, object]:
        """Row of `passage_measures`. shard, shard_row: where its print lies."""
        return {
            "passage_id": self.passage.passage_id,
            "document_key": self.passage.document_key,
            "char_start": self.passage.char_start,
            "score": self.quality.score,
            "reason": self.quality.reason,
            "detail": self.quality.detail,
            "words_sha256": self.words_sha256,
            "shingles_key": set_key(self.shingles) if len(self.shingles) else 0,
            "shard": shard,
            "shard_row": shard_row,
        }


def measured(
    document: Document, settings: PassageSettings, benchmark: Benchmark = NO_BENCHMARK, split: Split | None = None
) -> list[Measured]:
    """The document's passages in order, measured; what repeats the benchmark is refused as contaminated, other languages as such.

    split: how the document falls in two, where only what is withheld may be asked about.
    """
    found = chunk(document, settings)
    repeated = frames([passage.text for passage in found])
    foreign = ""
    if document.language and settings.languages and document.language not in settings.languages:
        foreign = f"its document is in {document.language!r}; asked for: {', '.join(settings.languages)}"
    rows = [
        row
        for start in range(0, len(found), _AT_ONCE)
        for row in _measured(found[start : start + _AT_ONCE], repeated, foreign, settings, benchmark)
    ]
    return rows if split is None else [_withheld(row, split) for row in rows]


def _withheld(row: Measured, split: Split) -> Measured:
    """The passage, refused where it is not withheld and nothing else refuses it."""
    refusal = split.refusal(row.passage)
    if row.quality.reason or not refusal:
        return row
    return replace(row, quality=Quality(row.quality.words, row.quality.score, NOT_WITHHELD, refusal))


def _measured(
    found: list[Passage], repeated: frozenset[str], foreign: str, settings: PassageSettings, benchmark: Benchmark
) -> Iterator[Measured]:
    tokenised = [words(passage.text) for passage in found]
    rests = [without_frames(passage.text, repeated) for passage in found]
    compared = [tokens if rest is passage.text else words(rest) for passage, tokens, rest in zip(found, tokenised, rests, strict=True)]
    for passage, tokens, shingles in zip(found, tokenised, shingles_of(compared, settings.shingle_words), strict=True):
        quality = assess(passage.text, passage.section, settings, tokens)
        if foreign:
            quality = Quality(quality.words, quality.score, "other_language", foreign)
        if hit := benchmark.hit(passage.text, tokens, settings.decontaminate):
            quality = Quality(quality.words, quality.score, "contaminated", hit.detail(passage.char_start))
        yield Measured(passage, quality, exact_key(tokens), shingles)


def shingles_of_document(rows: list[Measured]) -> Hashes:
    """Shingles of all passages together, sorted and distinct: what documents are compared by."""
    return np.unique(np.concatenate([row.shingles for row in rows])) if rows else np.empty(0, dtype=np.uint32)
