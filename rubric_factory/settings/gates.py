"""Thresholds of the quality gates: `[gates]`."""

from pydantic import Field

from rubric_factory.settings.base import Section


class GateSettings(Section):
    """What a task must satisfy. Every threshold is a configuration key; the defaults are ours unless a source stands beside them."""

    min_criteria: int = Field(default=2, ge=1, description="criteria of a rubric, at least")
    max_criteria: int = Field(
        default=12, ge=1, description="criteria of a rubric, at most (arXiv 2507.17746: 7-20; arXiv 2605.07396: 4-12)"
    )
    max_top_share: float = Field(default=0.7, gt=0, le=1, description="share of the positive weight one criterion may carry")
    max_shared_run: int = Field(default=7, ge=1, description="longest run of words that prompt and passage may share")
    question_words: tuple[int, int] = Field(default=(6, 90), description="words of a question, from and to")
    reference_words: tuple[int, int] = Field(default=(5, 400), description="words of a reference answer, from and to")
