"""All that is known of a document's passages from its own text: a pure function of document and settings, run once per document."""

from dataclasses import dataclass

from rubric_factory.passages.chunk import chunk
from rubric_factory.passages.dedupe import exact_key, frames, shingle_hashes, without_frames
from rubric_factory.passages.quality import Quality, assess
from rubric_factory.records import Document, Passage
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.tables import passage_to_row

# Raised whenever the same text and settings give other passages or measures: part of their digest.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """A passage with its quality, exact key (sha256 of its words) and shingles (sorted little-endian uint32s)."""

    passage: Passage
    quality: Quality
    words_sha256: str
    shingles: bytes

    def passage_row(self, settings_digest: str) -> dict[str, object]:
        """Row of `passages`."""
        return passage_to_row(self.passage, self.quality.words, settings_digest)

    def measure_row(self) -> dict[str, object]:
        """Row of `passage_measures`."""
        return {
            "passage_id": self.passage.passage_id,
            "document_key": self.passage.document_key,
            "char_start": self.passage.char_start,
            "score": self.quality.score,
            "reason": self.quality.reason,
            "detail": self.quality.detail,
            "words_sha256": self.words_sha256,
            "shingles": self.shingles,
        }


def measured(document: Document, settings: PassageSettings) -> list[Measured]:
    """The document's passages in order, measured; lines that its passages share (running heads) are left out of the shingles."""
    found = chunk(document, settings)
    repeated = frames([passage.text for passage in found])
    rows = []
    for passage in found:
        quality = assess(passage.text, passage.section, settings)
        shingles = shingle_hashes(without_frames(passage.text, repeated), settings.shingle_words)
        rows.append(Measured(passage, quality, exact_key(passage.text), shingles.astype("<u4").tobytes()))
    return rows
