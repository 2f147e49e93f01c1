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


Difficulty = Literal["easy", "medium", "hard"]


class WritingSettings(Section):
    """What a language-model author is asked for. Limits in characters bound the reply schema, and so the tokens a reply may take.

    At the defaults the longest task has 31,000 characters: 7,800 tokens at four characters each. Real ones take 1,000 to 2,000 tokens.
    """

    tasks_per_passage: int = Field(default=1, ge=1, le=8, description="tasks of one passage at most")
    difficulties: tuple[Difficulty, ...] = Field(
        default=("medium", "hard", "easy"), min_length=1, description="difficulty asked for, task by task, again from the first"
    )
    min_criteria: int = Field(default=4, ge=2, description="criteria asked for, at least (arXiv 2605.07396: 4-12)")
    max_criteria: int = Field(default=12, le=20, description="criteria asked for, at most")
    question_characters: int = Field(default=600, ge=20, description="longest question")
    reference_characters: int = Field(default=2000, ge=20, description="longest reference answer")
    statement_characters: int = Field(default=300, ge=10, description="longest description of a criterion")
    quote_characters: int = Field(default=400, ge=10, description="longest evidence quote")
    phrase_characters: int = Field(default=120, ge=4, description="longest title, required element, level of a scoring guide, cue")
    datamarking: bool = Field(
        default=False, description="write every blank of the passage as a rare sign, so that it reads as material (arXiv 2403.14720)"
    )

    @model_validator(mode="after")
    def _band(self) -> "WritingSettings":
        if self.min_criteria > self.max_criteria:
            raise ValueError("min_criteria must not exceed max_criteria")
        return self


class PassageMode(Section):
    """Tasks from the passage alone."""

    type: Literal["passage"] = "passage"
    calls: Literal[1, 3] = Field(
        default=1, description="1: whole tasks in one call; 3: questions, then each reference answer, then each rubric"
    )


class ContrastMode(Section):
    """Questions first; then answers of three strengths; then criteria that separate them (arXiv 2605.07396, 2510.07743)."""

    type: Literal["contrast"] = "contrast"
    answer_temperature: float = Field(default=1.0, ge=0, le=2, description="temperature of the two weaker answers")


class WithheldSectionMode(Section):
    """Questions from a paper's front matter and methods, graded by its withheld results or conclusion (arXiv 2605.09584), in one call.

    Needs [passages] withheld_sections. A question has to bring along what its answer is reasoned from: give it room.
    """

    type: Literal["withheld_section"] = "withheld_section"


class WritingSampling(llm.Sampling):
    """Sampling of the author's requests; part of the ledger key."""

    max_tokens: int = Field(
        default=8000,
        ge=1,
        description="tokens of a reply at most (many servers take no more than 8192); fewer where the schema allows fewer",
    )


class OpenAICompatibleCoAuthor(llm.OpenAICompatible):
    """A co-author behind an OpenAI-compatible server."""

    sampling: WritingSampling = WritingSampling()


class BatchFilesCoAuthor(llm.BatchFiles):
    """A co-author behind files, in folders of its own."""

    sampling: WritingSampling = WritingSampling()


class ScriptedCoAuthor(llm.Scripted):
    """A co-author answered by a function."""

    sampling: WritingSampling = WritingSampling()


CoAuthor = Annotated[OpenAICompatibleCoAuthor | BatchFilesCoAuthor | ScriptedCoAuthor, Field(discriminator="type")]


class MergeSettings(Section):
    """Co-authors, one table `[[author.merge.authors]]` each: every one writes a rubric of its own for the author's question and reference
    answer, and what two of them agree on stays (after arXiv 2601.08430). None runs in this process: serve it, or use files.
    """

    authors: tuple[CoAuthor, ...] = Field(min_length=1, max_length=7)
    agreement: float = Field(
        default=0.3, gt=0, le=1, description="Jaccard similarity of their words from which two descriptions make the same claim"
    )


class Writing(Section):
    """What every language-model author has, whatever stands behind it."""

    sampling: WritingSampling = WritingSampling()
    writing: WritingSettings = WritingSettings()
    mode: Annotated[PassageMode | ContrastMode | WithheldSectionMode, Field(discriminator="type")] = PassageMode()
    repair_rounds: int = Field(default=1, ge=0, le=5, description="times a refused task goes back to the author with the gates' reasons")
    weak_answer: bool = Field(
        default=True,
        description="one more short call a task: an answer without the passage, for the judge's gates; false: a quarter of the reference",
    )
    answer_tokens: int = Field(default=400, ge=16, description="tokens of a weaker answer at most")
    stop_after: int = Field(default=20, ge=1, description="unusable answers in a row, with none usable before, that end the command")
    merge: MergeSettings | None = Field(default=None)

    @model_validator(mode="after")
    def _different(self) -> "Writing":
        names = [(one.model, one.revision) for one in writers_of(self)]
        if len(set(names)) < len(names):
            raise ValueError("the author and its co-authors are different models: agreeing with itself proves nothing")
        folders = [{one.requests_dir, one.responses_dir} for one in writers_of(self) if isinstance(one, llm.BatchFiles)]
        if len(set().union(*folders)) < sum(map(len, folders)):
            raise ValueError(
                "author and co-authors share a folder of batch files: a batch serves one model, so each has folders of its own"
            )
        if self.merge and isinstance(self.mode, WithheldSectionMode):
            raise ValueError("the mode withheld_section takes no co-authors: they are not shown the visible part")
        return self


def writers_of(section: Writing) -> tuple[llm.LanguageModelSection, ...]:
    """The author and its co-authors, in the order of their numbers from 0."""
    first = (section,) if isinstance(section, llm.LanguageModelSection) else ()
    return (*first, *(section.merge.authors if section.merge else ()))


class OpenAICompatibleAuthor(Writing, llm.OpenAICompatible):
    """A language-model author behind an OpenAI-compatible server."""


class VllmAuthor(Writing, llm.Vllm):
    """A language-model author in this process."""


class LocalAuthor(Writing, llm.Local):
    """A small language-model author in this process, without a server."""


class BatchFilesAuthor(Writing, llm.BatchFiles):
    """A language-model author behind files."""


class ScriptedAuthor(Writing, llm.Scripted):
    """A language-model author answered by a function."""


LanguageModelAuthor = OpenAICompatibleAuthor | VllmAuthor | LocalAuthor | BatchFilesAuthor | ScriptedAuthor
AuthorSettings = Annotated[Extractive | Behaviour | LanguageModelAuthor, Field(discriminator="type")]
