"""GRPO (TRL) on the policy config of a version: only `prompt` reaches the policy, asserted on the tokens that are fed."""

import json
import os
import time
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from rubric_factory.errors import DatasetError
from rubric_factory.judging.protocol import Judge
from rubric_factory.runs import RunSpec
from rubric_factory.settings.training import PretrainedPolicy
from training import policy as policies
from training.data import VersionData, messages
from training.generate import prompt_ids
from training.reward import RubricReward
from training.variants import derangement


class QuestionOnlyTrainer(GRPOTrainer):
    """GRPOTrainer that refuses to generate from anything but the published prompts' own tokens."""

    published: frozenset[tuple[int, ...]] = frozenset()

    def _generate_single_turn(self, prompt_ids: list[list[int]], *args: Any, **kwargs: Any) -> Any:
        for ids in prompt_ids:
            if tuple(ids) not in self.published:
                raise DatasetError(
                    "the policy was about to see tokens that are no published prompt", expected="the `prompt` column, token for token"
                )
        return super()._generate_single_turn(prompt_ids, *args, **kwargs)


class MetricsFile(TrainerCallback):
    """Every logged step as a line of metrics.jsonl, flushed, for whoever tails it; lines after the resumed step are dropped first."""

    def __init__(self, path: Path, steps: int) -> None:
        self._path, self._steps, self._started = path, steps, time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep only the lines up to the step that training resumes from."""
        kept = []
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line) if line.endswith("}") else {}
                if row.get("phase") != "grpo" or 0 < row.get("step", 0) <= state.global_step:
                    kept.append(line) if row else None
        self._path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        """One line per logged step."""
        if not state.is_world_process_zero or not logs or "reward" not in logs:
            return
        row = {"phase": "grpo", "step": state.global_step, "steps": self._steps, "seconds": time.monotonic() - self._started, **logs}
        with self._path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")


def config(spec: RunSpec, folder: Path) -> GRPOConfig:
    """TRL's configuration of a run. CPU: no bf16; one generation batch a step."""
    import torch

    training = spec.training
    rollouts = training.prompts * training.group
    world = int(os.environ.get("WORLD_SIZE", "1"))
    per_device = training.micro_batch or max(1, rollouts // world)
    vllm = {} if training.vllm == "off" else {"use_vllm": True, "vllm_mode": training.vllm}
    return GRPOConfig(
        output_dir=str(folder / "checkpoints"),
        max_steps=training.steps,
        per_device_train_batch_size=per_device,
        gradient_accumulation_steps=max(1, rollouts // (per_device * world)),
        num_generations=training.group,
        max_completion_length=training.max_response_tokens,
        learning_rate=training.learning_rate,
        warmup_steps=training.warmup_steps,
        lr_scheduler_type="linear",
        temperature=training.temperature,
        top_k=0,
        beta=training.beta,
        loss_type=training.loss,
        bf16=isinstance(training.policy, PretrainedPolicy) and torch.cuda.is_available(),
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=training.gradient_checkpointing,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=spec.seed,
        data_seed=spec.seed,
        logging_steps=1,
        save_steps=training.save_steps,
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        log_completions=False,
        **vllm,
    )


def rows_for(spec: RunSpec, data: VersionData, tokenizer: Any) -> tuple[Dataset, int]:
    """Train rows (prompt, task_id) whose prompt fits, and how many did not."""
    tasks = data.split("train")
    lengths = [len(ids) for ids in prompt_ids(tokenizer, [messages(t) for t in tasks])]
    fitting = [t for t, n in zip(tasks, lengths, strict=True) if n <= spec.training.max_prompt_tokens]
    if not fitting:
        raise DatasetError("no train task has a prompt that fits", expected=f"prompts of <= {spec.training.max_prompt_tokens} tokens")
    return Dataset.from_list([{"prompt": messages(t), "task_id": t.task_id} for t in fitting]), len(tasks) - len(fitting)


def train(spec: RunSpec, folder: Path, base: Path, data: VersionData, judge: Judge, callbacks: list[TrainerCallback]) -> Path:
    """Run or resume GRPO; folder of the tuned policy. Errors: BlockedError (judge), DatasetError (prompts)."""
    import torch

    tuned = folder / "policy"
    if (tuned / "tokenizer.json").exists():
        return tuned
    torch.manual_seed(spec.seed)
    model, tokenizer = policies.load(spec, base)
    rows, left_out = rows_for(spec, data, tokenizer)
    ids = [t.task_id for t in data.split("train")]
    graded_as = derangement(ids, spec.seed) if spec.variant == "permuted" else {i: i for i in ids}
    reward = RubricReward(
        data,
        judge,
        folder,
        aggregation=spec.training.aggregation,
        seed=spec.seed,
        rank=int(os.environ.get("RANK", "0")),
        graded_as=graded_as,
        shuffle=spec.variant == "shuffled",
    )
    trainer = QuestionOnlyTrainer(
        model=model,
        reward_funcs=[reward],
        args=config(spec, folder),
        train_dataset=rows,
        processing_class=tokenizer,
        callbacks=[MetricsFile(folder / "metrics.jsonl", spec.training.steps), *callbacks],
    )
    trainer.published = frozenset(tuple(i) for i in prompt_ids(tokenizer, rows["prompt"]))
    checkpoints = sorted((folder / "checkpoints").glob("checkpoint-*/trainer_state.json"), key=lambda p: int(p.parent.name.split("-")[1]))
    trainer.train(resume_from_checkpoint=str(checkpoints[-1].parent) if checkpoints else None)
    if trainer.accelerator.is_main_process:
        part = folder / ".policy.part"
        trainer.save_model(str(part))
        tokenizer.save_pretrained(part)
        part.rename(tuned)
    (folder / "left_out.json").write_text(json.dumps({"prompts_too_long": left_out}), encoding="utf-8")
    return tuned
