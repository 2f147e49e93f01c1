"""Thresholds of the quality gates: `[gates]`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rubric_factory.settings import llm
from rubric_factory.settings.base import Section

JudgeGate = Literal[
    "judge_graded", "judge_reference", "judge_mismatch", "judge_weak", "judge_margin", "judge_spread", "judge_difficulty", "judge_quantile"
]  # fmt: skip
Share = Annotated[float, Field(ge=0, le=1)]


class SolverSampling(llm.Sampling):
    """Sampling of the solver's answers; part of the ledger key."""

    temperature: float = Field(default=1.0, gt=0, le=2, description="as the policy will be sampled: at 0 all answers would be one")
    max_tokens: int = Field(default=1024, ge=1, description="tokens of an answer at most; a cut answer is graded as it is")


class Solving(Section):
    """What every solver has, whatever stands behind it."""

    sampling: SolverSampling = SolverSampling()
    samples: int = Field(
        default=3, ge=2, le=8, description="answers a task, one judge call each: with the default six calls a task at most"
    )


class OpenAICompatibleSolver(Solving, llm.OpenAICompatible):
    """A solver behind an OpenAI-compatible server."""


class VllmSolver(Solving, llm.Vllm):
    """A solver in this process."""


class LocalSolver(Solving, llm.Local):
    """A small solver in this process, without a server."""


class BatchFilesSolver(Solving, llm.BatchFiles):
    """A solver behind files."""


class ScriptedSolver(Solving, llm.Scripted):
    """A solver answered by a function: tests and rehearsals."""


SolverSettings = OpenAICompatibleSolver | VllmSolver | LocalSolver | BatchFilesSolver | ScriptedSolver


class JudgeGateSettings(Section):
    """What the judge must make of a task: answers of known worth, then a solver's; scores in units of the canonical reward.

    Thresholds are ours. One that changes costs no call: stored verdicts are read again.
    """

    min_reference: float = Field(default=0.75, le=1, description="score of the task's own reference answer, at least")
    max_mismatch: float = Field(default=0.25, le=1, description="score of the reference answer of another document's task, at most")
    max_weak: float = Field(
        default=0.6, le=1, description="score of the weak answer (without the passage, or a quarter of the reference), at most"
    )
    min_margin: float = Field(default=0.3, le=1, description="reference above weak answer, at least (after C2, arXiv 2604.13618)")
    min_spread: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="best above worst of the solver's answers, at least: without variance nothing is learnt (DAPO, POP arXiv 2604.20051)",
    )
    central_band: tuple[Share, Share] = Field(
        default=(0.1, 0.9), description="mean score of the solver's answers, each clipped to 0..1, from and to: neither hopeless nor solved"
    )
    central_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of the tasks, around the median of that mean, that is kept (central quantile of arXiv 2508.12790); 1: all",
    )
    warnings: tuple[JudgeGate, ...] = Field(default=("judge_weak",), description="judge gates that only warn; the others refuse the task")
    solver: Annotated[SolverSettings, Field(discriminator="type")] | None = Field(
        default=None, description="the model whose answers tell spread and difficulty, best the policy to be trained; absent: not measured"
    )
    audit_share: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="share of the tasks left whose repeats and corrupted answers are graded for the audit; 0: none",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "JudgeGateSettings":
        if self.central_band[0] >= self.central_band[1]:
            raise ValueError("central_band goes from a lower to a higher mean")
        return self


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
    max_copied_run: int = Field(default=12, ge=1, description="words in a row that a criterion may repeat of the reference answer")
    max_joined_claims: int = Field(default=0, ge=0, description="further claims that a criterion may join to its first")
    duplicate_jaccard: float = Field(default=0.8, gt=0, le=1, description="similarity from which two criteria are one")
    duplicate_question_jaccard: float = Field(default=0.7, gt=0, le=1, description="similarity from which two questions are one")
    min_evidence_words: int = Field(default=3, ge=1, description="words of an evidence span, at least; symbols of code count")
    max_shared_evidence: int = Field(default=3, ge=1, description="positive criteria that may rest on the same evidence")
    min_english_share: float = Field(default=0.12, ge=0, le=1, description="share of English function words in a task's prose")
    min_latin_share: float = Field(default=0.9, ge=0, le=1, description="share of Latin and Greek among a task's letters")
    max_comma_share: float = Field(
        default=0.22, gt=0, le=1, description="commas and other marks of a list per word of a reference answer, from 12 words on"
    )
    question_words: tuple[int, int] = Field(default=(6, 110), description="words of a question, from and to")
    reference_words: tuple[int, int] = Field(default=(10, 400), description="words of a reference answer, from and to")
    title_words: tuple[int, int] = Field(default=(1, 14), description="words of a criterion title, from and to")
    description_words: tuple[int, int] = Field(default=(3, 70), description="words of a criterion description, from and to")
    judge: JudgeGateSettings = JudgeGateSettings()
