"""How texts become passages: `[passages]`."""

from pydantic import Field, model_validator

from rubric_factory.settings.base import Section


class PassageSettings(Section):
    """Chunk sizes (in words), duplicates, and how many passages of a document are worth asking about."""

    min_words: int = Field(default=60, ge=1, description="shorter passages are refused")
    target_words: int = Field(default=220, ge=1, description="a passage is closed at the first block end past this")
    max_words: int = Field(default=360, ge=1, description="no passage is longer")
    near_duplicate_jaccard: float = Field(
        default=0.8, gt=0, le=1, description="Jaccard similarity of word shingles from which two passages are near-duplicates"
    )
    shingle_words: int = Field(default=5, ge=1, description="words per shingle")
    per_document: int = Field(default=12, ge=1, description="passages selected from one document at most")

    @model_validator(mode="after")
    def _sizes_ascend(self) -> "PassageSettings":
        if not self.min_words <= self.target_words <= self.max_words:
            raise ValueError("min_words <= target_words <= max_words must hold")
        return self
