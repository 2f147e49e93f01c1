"""What is published, and how tasks are split: `[publish]`."""

from typing import Literal

from pydantic import Field, model_validator

from rubric_factory.settings.base import Section


class BandSettings(Section):
    """Shares that contracts hold a staged version to; a share is in [0, 1]. The defaults are ours."""

    refused: tuple[float, float] = Field(default=(0.0, 0.9), description="share of the written tasks that the gates refuse, from and to")
    refused_by_one: float = Field(default=0.6, ge=0, le=1, description="share of its tasks that one gate may refuse")
    absence_type: float = Field(default=0.4, ge=0, le=1, description="share of all weight that an answer keeps by saying nothing")
    duplicate_questions: float = Field(default=0.01, ge=0, le=1, description="share of published questions that repeat another one")
    judge_failures: float = Field(default=0.05, ge=0, le=1, description="share of the tasks before the judge that it may leave ungraded")


class PublishSettings(Section):
    """Shares are of documents; a document or near-duplicate cluster is on one side for ever."""

    validation_share: float = Field(default=0.1, ge=0, lt=1, description="share of documents on the validation side")
    test_share: float = Field(default=0.15, ge=0, lt=1, description="share of documents on the test side")
    allowed_licences: tuple[str, ...] = Field(default=(), description="licences that may be published; empty: any")
    profile: Literal["standard", "release", "behaviour"] = Field(
        default="standard",
        description="contract profile; release also blocks on an empty split, demo grade or a large cluster; "
        "behaviour leaves out the rules on evidence and overlap, for rubrics that ask for conduct",
    )
    system_message: str = Field(default="", description="system message of every prompt; empty: none")
    bands: BandSettings = BandSettings()

    @model_validator(mode="after")
    def _train_remains(self) -> "PublishSettings":
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share + test_share must leave a share for train")
        return self
