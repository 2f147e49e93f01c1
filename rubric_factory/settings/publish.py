"""What is published, and how tasks are split: `[publish]`."""

from typing import Literal

from pydantic import Field, model_validator

from rubric_factory.settings.base import Section


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

    @model_validator(mode="after")
    def _train_remains(self) -> "PublishSettings":
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share + test_share must leave a share for train")
        return self
