"""Who writes questions, reference answers and rubrics: `[author]`, discriminated on `type`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rubric_factory.settings import llm
from rubric_factory.settings.base import Section


class Extractive(Section):
    """The embedded author: finds definitions, quantities, conditions, causes and comparisons in the passage. Plumbing grade."""

    type: Literal["extractive"] = "extractive"
    tasks_per_passage: int = Field(default=3, ge=1, le=8, description="tasks of one passage at most")
    answer_stem: bool = Field(default=False, description="how an answer would begin, made from the question, as the prompt's last line")


class Behaviour(Section):
    """The embedded control: the extractive author's questions, criteria of conduct instead of content. Demo grade, never a product."""

    type: Literal["behaviour"] = "behaviour"
    tasks_per_passage: int = Field(default=2, ge=1, le=8, description="tasks of one passage at most")
    answer_stem: bool = Field(default=False, description="how an answer would begin, made from the question, as the prompt's last line")


class WritingSettings(Section):
    """What a language-model author is asked for. Limits in characters bound the reply schema, and so the tokens a reply may take.

    At the defaults the longest reply has 23,000 characters: 8,000 tokens at three characters each, and English takes four to five.
    """

    tasks_per_passage: int = Field(default=1, ge=1, le=8, description="tasks of one passage")
    min_criteria: int = Field(default=4, ge=2, description="criteria asked for, at least")
    max_criteria: int = Field(default=12, le=20, description="criteria asked for, at most")
    question_characters: int = Field(default=500, ge=20, description="longest question")
    reference_characters: int = Field(default=1800, ge=20, description="longest reference answer")
    statement_characters: int = Field(default=220, ge=10, description="longest description of a criterion, longest evidence quote")
    phrase_characters: int = Field(default=80, ge=4, description="longest title, required element, level of a scoring guide, cue")

    @model_validator(mode="after")
    def _band(self) -> "WritingSettings":
        if self.min_criteria > self.max_criteria:
            raise ValueError("min_criteria must not exceed max_criteria")
        return self


class WritingSampling(llm.Sampling):
    """Sampling of the author's requests; part of the ledger key."""

    max_tokens: int = Field(
        default=8000,
        ge=1,
        description="tokens of a reply at most (many servers take no more than 8192); fewer where the schema allows fewer",
    )


class Writing(Section):
    """What every language-model author has, whatever stands behind it."""

    sampling: WritingSampling = WritingSampling()
    writing: WritingSettings = WritingSettings()
    stop_after: int = Field(default=20, ge=1, description="unusable answers in a row, with none usable before, that end the command")


class OpenAICompatibleAuthor(Writing, llm.OpenAICompatible):
    """A language-model author behind an OpenAI-compatible server."""


class VllmAuthor(Writing, llm.Vllm):
    """A language-model author in this process."""


class BatchFilesAuthor(Writing, llm.BatchFiles):
    """A language-model author behind files."""


class ScriptedAuthor(Writing, llm.Scripted):
    """A language-model author answered by a function."""


LanguageModelAuthor = OpenAICompatibleAuthor | VllmAuthor | BatchFilesAuthor | ScriptedAuthor
AuthorSettings = Annotated[Extractive | Behaviour | LanguageModelAuthor, Field(discriminator="type")]
