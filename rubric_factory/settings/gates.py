"""Thresholds of the quality gates: `[gates]`."""

from typing import Literal

from pydantic import Field

from rubric_factory.settings.base import Section

JudgeGate = Literal["judge_graded", "judge_reference", "judge_mismatch", "judge_weak", "judge_margin"]


class JudgeGateSettings(Section):
    """What the judge must make of a task: three answers of known worth, scores in units of the canonical reward. Thresholds are ours."""

    min_reference: float = Field(default=0.75, le=1, description="score of the task's own reference answer, at least")
    max_mismatch: float = Field(default=0.25, le=1, description="score of the reference answer of another document's task, at most")
    max_weak: float = Field(
        default=0.6, le=1, description="score of the weak answer (without the passage, or a quarter of the reference), at most"
    )
    min_margin: float = Field(default=0.3, le=1, description="reference above weak answer, at least (after C2, arXiv 2604.13618)")
    warnings: tuple[JudgeGate, ...] = Field(default=("judge_weak",), description="judge gates that only warn; the others refuse the task")


class GateSettings(Section):
    """What a task must satisfy. Every threshold is a configuration key; the defaults are ours unless a source stands beside them."""

    min_criteria: int = Field(default=2, ge=1, description="criteria of a rubric, at least")
    max_criteria: int = Field(
        default=12, ge=1, description="criteria of a rubric, at most (arXiv 2507.17746: 7-20; arXiv 2605.07396: 4-12)"
    )
    max_top_share: float = Field(default=0.7, gt=0, le=1, description="share of the positive weight one criterion may carry")
    max_pitfall_share: float = Field(default=1.0, ge=0, description="weight of all pitfalls, as a share of the positive weight")
    max_shared_run: int = Field(default=7, ge=1, description="longest run of words that prompt and passage may share")
    max_leaked_share: float = Field(
        default=0.3, ge=0, le=1, description="share of the positive weight that the question may already satisfy"
    )
    max_reference_words_share: float = Field(
        default=0.6, ge=0, le=1, description="share of the reference answer's content words that the question may hold"
    )
    max_reference_share: float = Field(
        default=0.8, gt=0, le=1, description="share of a reference answer of one sentence that a criterion may repeat in one run"
    )
    max_copied_run: int = Field(default=14, ge=1, description="words in a row that a criterion may repeat of the reference answer")
    max_joined_claims: int = Field(default=0, ge=0, description="further claims that a criterion may join to its first")
    duplicate_jaccard: float = Field(default=0.8, gt=0, le=1, description="similarity from which two criteria are one")
    duplicate_question_jaccard: float = Field(default=0.9, gt=0, le=1, description="similarity from which two questions are one")
    min_evidence_words: int = Field(default=3, ge=1, description="words of an evidence span, at least")
    max_shared_evidence: int = Field(default=3, ge=1, description="positive criteria that may rest on the same evidence")
    min_english_share: float = Field(default=0.12, ge=0, le=1, description="share of English function words in a task's prose")
    min_latin_share: float = Field(default=0.9, ge=0, le=1, description="share of Latin and Greek among a task's letters")
    max_comma_share: float = Field(default=0.2, gt=0, le=1, description="commas per word of a reference answer, from 12 words on")
    question_words: tuple[int, int] = Field(default=(6, 110), description="words of a question, from and to")
    reference_words: tuple[int, int] = Field(default=(5, 400), description="words of a reference answer, from and to")
    title_words: tuple[int, int] = Field(default=(1, 14), description="words of a criterion title, from and to")
    description_words: tuple[int, int] = Field(default=(3, 70), description="words of a criterion description, from and to")
    judge: JudgeGateSettings = JudgeGateSettings()
