"""The arms of an evaluation: responses of base, tuned (or a control), constant, echo and length, on the same tasks.

constant: the best constant answer, fitted on train. echo: the question. length: base cut or extended to the tuned length, word for word.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rubric_factory.evaluation import Response
from rubric_factory.judging.probes.constant import best_constant_answer
from rubric_factory.judging.protocol import Judge
from rubric_factory.records import Task
from rubric_factory.runs import RunSpec
from training import policy as policies
from training.data import VersionData, messages
from training.generate import extend, respond

EXTRA_TOKENS_PER_WORD = 4


def _sampled(spec: RunSpec, model: Any, tokenizer: Any, tasks: Sequence[Task], arm: str, label: int) -> list[Response]:
    """`samples` responses per task at the training temperature; label keeps the draws of different purposes apart."""
    evaluation, out = spec.training.evaluation, []
    for sample in range(evaluation.samples):
        texts = respond(
            model,
            tokenizer,
            [messages(t) for t in tasks],
            max_tokens=spec.training.max_response_tokens,
            temperature=spec.training.temperature,
            seed=spec.seed * 1000 + label * 100 + sample,
            batch=evaluation.batch,
        )
        out += [Response(arm, spec.seed, t.task_id, text) for t, text in zip(tasks, texts, strict=True)]
    return out


def same_length(
    spec: RunSpec, model: Any, tokenizer: Any, tasks: Sequence[Task], base: list[Response], tuned: list[Response]
) -> list[Response]:
    """Base responses brought to the word count of the tuned response of the same task and sample: cut, or continued and then cut."""
    prompts = {t.task_id: messages(t) for t in tasks}
    targets = [len(r.text.split()) for r in tuned]
    words = [r.text.split() for r in base]
    short = [i for i, (target, have) in enumerate(zip(targets, words, strict=True)) if len(have) < target]
    if short:
        missing = max(targets[i] - len(words[i]) for i in short)
        longer = extend(
            model,
            tokenizer,
            [prompts[base[i].task_id] for i in short],
            [base[i].text for i in short],
            tokens=min(missing * EXTRA_TOKENS_PER_WORD, spec.training.max_response_tokens * 2),
            temperature=spec.training.temperature,
            seed=spec.seed * 1000 + 900,
            batch=spec.training.evaluation.batch,
        )
        for i, text in zip(short, longer, strict=True):
            words[i] = text.split()
    return [Response("length", r.seed, r.task_id, " ".join(w[:target])) for r, w, target in zip(base, words, targets, strict=True)]


def constant_responses(spec: RunSpec, data: VersionData, tasks: Sequence[Task], judge: Judge) -> list[Response]:
    """The best constant answer fitted on the train tasks, given to every task."""
    answer = best_constant_answer(judge, data.probe_tasks("train"), seed=spec.seed)
    return [Response("constant", spec.seed, t.task_id, answer) for t in tasks]


def policy_responses(spec: RunSpec, data: VersionData, base: Path, tuned: Path, split: str) -> list[Response]:
    """Arms base, <variant> and (for the tuned variant on the held-out split) length."""
    tasks = data.split(split)
    model, tokenizer = policies.load(spec, base)
    before = _sampled(spec, model, tokenizer, tasks, "base", 1)
    after_model, _ = policies.load(spec, tuned)
    after = _sampled(spec, after_model, tokenizer, tasks, spec.variant, 1)
    out = before + after
    if spec.variant == "tuned" and split == "test":
        out += same_length(spec, model, tokenizer, tasks, before, after)
    return out


def echo_responses(spec: RunSpec, tasks: Sequence[Task]) -> list[Response]:
    """The question given back."""
    return [Response("echo", spec.seed, t.task_id, t.question) for t in tasks]
