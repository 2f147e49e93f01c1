"""Who writes questions, reference answers and rubrics: `[author]`, discriminated on `type`."""

from typing import Annotated, Literal

from pydantic import Field

from rubric_factory.settings import llm
from rubric_factory.settings.base import Section


class Extractive(Section):
    """The embedded author: finds definitions, quantities, conditions, causes and comparisons in the passage. Plumbing grade."""

    type: Literal["extractive"] = "extractive"
    tasks_per_passage: int = Field(default=2, ge=1, le=8, description="tasks of one passage at most")


class WritingSettings(Section):
    """What a language-model author is asked for. No dataset without saying so: see the prompt files."""

    tasks_per_passage: int = Field(default=1, ge=1, le=8, description="tasks of one passage")
    min_criteria: int = Field(default=4, ge=2, description="criteria asked for, at least")
    max_criteria: int = Field(default=12, le=20, description="criteria asked for, at most")


class OpenAICompatibleAuthor(llm.OpenAICompatible):
    """A language-model author behind an OpenAI-compatible server."""

    writing: WritingSettings = WritingSettings()


class VllmAuthor(llm.Vllm):
    """A language-model author in this process."""

    writing: WritingSettings = WritingSettings()


class BatchFilesAuthor(llm.BatchFiles):
    """A language-model author behind files."""

    writing: WritingSettings = WritingSettings()


class ScriptedAuthor(llm.Scripted):
    """A language-model author answered by a function."""

    writing: WritingSettings = WritingSettings()


LanguageModelAuthor = OpenAICompatibleAuthor | VllmAuthor | BatchFilesAuthor | ScriptedAuthor
AuthorSettings = Annotated[Extractive | LanguageModelAuthor, Field(discriminator="type")]
