"""The policy, its training and its evaluation: `[training]`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rubric_factory.settings.base import Section
from rubric_factory.settings.llm import Revision

# A test compares this with the table in rubric_factory/reward/.
AggregationName = Literal[
    "canonical",
    "rar_explicit",
    "signed",
    "healthbench",
    "all_pass",
    "essential_gated",
    "veto",
    "saturation",
    "pairwise_interaction",
    "targeted_shaping",
    "soft_min",
]


class MadePolicy(Section):
    """A small Llama-shaped model made on the spot: tokenizer, reading of the corpus, warm-up on train tasks. Plumbing, not a product."""

    type: Literal["made"] = "made"
    vocabulary: int = Field(default=2048, ge=512, description="size of the byte-pair vocabulary, lower case")
    width: int = Field(default=192, ge=32, description="hidden size")
    layers: int = Field(default=3, ge=1)
    heads: int = Field(default=6, ge=1)
    context_tokens: int = Field(default=128, ge=64, description="length of a reading sequence")
    reading_steps: int = Field(default=400, ge=0, description="optimiser steps of reading")
    reading_batch: int = Field(default=16, ge=1, description="sequences per reading step")
    warmup_epochs: float = Field(default=0.5, ge=0, description="epochs of supervised warm-up on train tasks")


class PretrainedPolicy(Section):
    """A model from the Hub or a folder. No defaults: model and revision change what a run means."""

    type: Literal["pretrained"] = "pretrained"
    model: str
    revision: Revision
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"


Policy = Annotated[MadePolicy | PretrainedPolicy, Field(discriminator="type")]


class EvaluationSettings(Section):
    """How a policy is evaluated."""

    samples: int = Field(default=2, ge=1, description="responses per task, arm and seed")
    batch: int = Field(default=64, ge=1, description="responses generated at once")


class TrainingSettings(Section):
    """GRPO (TRL). A step takes `prompts` groups of `group` rollouts."""

    policy: Policy
    python: Path | None = Field(default=None, description="interpreter of the training environment; empty: the one that runs the command")
    processes: int = Field(default=1, ge=1, description="training processes, one a GPU; more than one: accelerate launch")
    threads: int = Field(default=1, ge=1, description="threads of the training process on a CPU")
    steps: int = Field(ge=1, description="optimiser steps; part of the learning-rate schedule, so constant over a resume")
    prompts: int = Field(ge=1, description="prompts per step")
    group: int = Field(ge=2, description="rollouts per prompt (arXiv 2507.17746: 16)")
    micro_batch: int = Field(default=0, ge=0, description="rollouts per device and backward pass; 0: all of a step")
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(default=0, ge=0, description="steps of linear learning-rate warm-up")
    temperature: float = Field(default=1.0, gt=0)
    beta: float = Field(default=0.0, ge=0, description="weight of the KL term")
    loss: Literal["grpo", "dapo", "dr_grpo", "bnpo"] = "dapo"
    max_prompt_tokens: int = Field(default=512, ge=16, description="longer prompts are left out, and counted")
    max_response_tokens: int = Field(ge=8)
    aggregation: AggregationName = Field(default="canonical", description="how verdicts become one reward (rubric_factory/reward/)")
    save_steps: int = Field(default=10, ge=1, description="steps between checkpoints")
    canary_steps: int = Field(default=20, ge=1, description="steps between re-scorings of the judge lock's canary")
    gradient_checkpointing: bool = Field(default=False)
    vllm: Literal["off", "colocate", "server"] = Field(default="off", description="generation by vLLM (GPU)")
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="after")
    def _whole_groups(self) -> "TrainingSettings":
        if self.micro_batch and (self.prompts * self.group) % self.micro_batch:
            raise ValueError("micro_batch must divide prompts * group")
        return self
