"""Limits of the parser processes: `[extract]`."""

from pydantic import Field

from rubric_factory.settings.base import Section


class ExtractSettings(Section):
    """How documents are parsed, and what one document may cost."""

    workers: int = Field(default=2, ge=1, le=256, description="parser processes side by side")
    shard_documents: int = Field(default=500, ge=1, description="documents per shard, the unit that is committed")
    max_bytes: int = Field(default=100_000_000, ge=1, description="larger files are refused unopened")
    wall_seconds: float = Field(default=60.0, gt=0, description="wall time one document may take")
    cpu_seconds: int = Field(default=60, gt=0, description="CPU time one document may take")
    memory_mb: int = Field(default=2048, ge=256, description="address space of one parser process")
    recycle_documents: int = Field(default=200, ge=1, description="documents after which a parser process is replaced")
    max_characters: int = Field(default=10_000_000, ge=1, description="documents with more extracted text are refused")
    min_characters: int = Field(default=400, ge=0, description="documents with less extracted text are refused")
