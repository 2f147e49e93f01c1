"""Served models that `evaluate` can ask, by name: `[evaluation]`."""

from pydantic import Field

from rubric_factory.settings.base import Section
from rubric_factory.settings.llm import OpenAICompatible


class EvaluateSettings(Section):
    """What `rubric-factory evaluate NAME VERSION` asks; the policy of a training run needs no entry here."""

    models: dict[str, OpenAICompatible] = Field(default={}, description="models by name: [evaluation.models.NAME]")
    samples: int = Field(default=1, ge=1, description="answers of a model to each task")
