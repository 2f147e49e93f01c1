"""How texts become passages: `[passages]`."""

from pathlib import Path

from pydantic import Field, model_validator

from rubric_factory.settings.base import Section


class QualitySettings(Section):
    """From which measure on a passage is not worth asking about: shares in [0, 1] of lines, words or characters, but for the two rates."""

    leader_lines: float = Field(default=0.25, gt=0, description="share of lines with dot leaders: a table of contents")
    entry_lines: float = Field(default=0.4, gt=0, description="share of lines that end in page numbers: an index")
    references: float = Field(default=4.0, gt=0, description="reference marks per 100 words: a bibliography")
    licence: float = Field(default=1.5, gt=0, description="licence phrases per 100 words")
    code_lines: float = Field(default=0.5, gt=0, description="share of lines of code")
    symbols: float = Field(default=0.15, gt=0, description="share of visible characters that are symbols")
    digits: float = Field(default=0.25, gt=0, description="share of visible characters that are digits")
    short_lines: float = Field(default=0.7, gt=0, description="share of lines of at most 4 words without a stop: navigation")
    repeated_words: float = Field(default=0.8, gt=0, description="share of words that were there before")
    outside_sentences: float = Field(default=0.5, gt=0, description="share of words outside sentences")


class DecontaminateSettings(Section):
    """Which passages repeat a benchmark: they would train on what a model is measured by."""

    files: tuple[Path, ...] = Field(
        default=(), description="benchmark files: .jsonl (one item a line) or text (one item a paragraph); relative to the configuration"
    )
    field: str = Field(default="question", min_length=1, description="field of a JSONL item that holds its text")
    words: int = Field(default=13, ge=4, description="words of a run that a passage must not share with a benchmark item")
    hits: int = Field(default=1, ge=1, description="shared runs from which a passage is refused")
    share: float = Field(default=0.0, ge=0, le=1, description="share of the item's runs that the passage must hold as well to be refused")


class PassageSettings(Section):
    """Chunk sizes, duplicates, and how many passages of a document are worth asking about."""

    workers: int = Field(default=2, ge=1, le=256, description="processes that cut and measure side by side")
    min_words: int = Field(default=60, ge=1, description="shorter passages are refused")
    target_words: int = Field(default=220, ge=1, description="a passage is closed at the first block end past this")
    max_words: int = Field(default=360, ge=1, description="no passage is longer")
    max_tokens: int = Field(default=720, ge=32, description="nor has more estimated tokens: formulas and tables cost more than words do")
    near_duplicate_jaccard: float = Field(
        default=0.8,
        ge=0.3,
        le=1,
        description="Jaccard similarity of word shingles from which two passages, or documents, are near-duplicates",
    )
    shingle_words: int = Field(default=5, ge=1, description="words per shingle")
    languages: tuple[str, ...] = Field(
        default=("en",),
        description="languages of documents whose passages are asked about (ISO 639-1): questions, gates and quality rules are for English;"
        " a document whose language is not known passes; empty: every language",
    )
    per_document: int = Field(default=12, ge=1, description="passages selected from one document at most")
    withheld_sections: bool = Field(
        default=False,
        description="only results and conclusions of paper-like documents are asked about; front matter and methods are kept beside them,"
        " for an author of mode withheld_section (arXiv 2605.09584)",
    )
    visible_words: int = Field(default=900, ge=60, description="words of front matter and methods shown to that author at most")
    quality: QualitySettings = QualitySettings()
    decontaminate: DecontaminateSettings = DecontaminateSettings()

    @model_validator(mode="after")
    def _sizes_ascend(self) -> "PassageSettings":
        if not self.min_words <= self.target_words <= self.max_words:
            raise ValueError("min_words <= target_words <= max_words must hold")
        if self.withheld_sections and self.visible_words < self.min_words:
            raise ValueError("visible_words must not be below min_words")
        return self
