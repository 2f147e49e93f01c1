"""The base policy of a run: made on the spot and cached by content, or loaded from a model folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rubric_factory.records import content_id
from rubric_factory.runs import RunSpec
from rubric_factory.settings.training import MadePolicy, PretrainedPolicy
from training.data import VersionData, messages
from training.reading import Report


def corpus_texts(spec: RunSpec, data: VersionData) -> Iterator[str]:
    """What the made policy reads: the extracted texts if the run names them, else the version's grounding passages (every split)."""
    if spec.texts is None:
        yield from (passage for _, passage in sorted(data.passages.items()))
        return
    for shard in sorted(spec.texts.glob("*.parquet")):
        for batch in pq.ParquetFile(shard).iter_batches(batch_size=64, columns=["text"]):
            yield from (text for text in batch.column("text").to_pylist() if text)


def _make(spec: RunSpec, policy: MadePolicy, data: VersionData, folder: Path, report: Report) -> None:
    import torch

    from training.reading import new_model, packed, read, warm_up
    from training.tokenizer import train_tokenizer

    torch.manual_seed(spec.seed)
    texts = list(corpus_texts(spec, data))
    tokenizer = train_tokenizer(texts, policy.vocabulary)
    model = new_model(policy, len(tokenizer))
    read(model, packed(tokenizer, texts), policy, spec.seed, report)
    pairs = [(messages(task), task.reference_answer) for task in data.split("train")]
    warm_up(model, tokenizer, pairs, policy.warmup_epochs, spec.seed, report)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    part.rename(folder)


def base_policy(spec: RunSpec, data: VersionData, report: Report) -> Path:
    """Folder (or name) of the base policy, made if it is not there yet.

    A made policy is shared by the variants of one seed: its key is the policy section, the seed, the dataset and what it reads.
    """
    policy = spec.training.policy
    if isinstance(policy, PretrainedPolicy):
        return Path(policy.model)
    reads = "texts" if spec.texts else "grounding"
    key = content_id("policy", policy.model_dump(mode="json"), spec.seed, spec.content_fingerprint, reads)[:16]
    folder = spec.policies / key
    if not (folder / "tokenizer.json").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _make(spec, policy, data, folder, report)
    return folder


def load(spec: RunSpec, folder: Path) -> tuple[Any, Any]:
    """Model and tokenizer of a policy folder (or Hub name), in the configured dtype."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    policy = spec.training.policy
    revision = policy.revision if isinstance(policy, PretrainedPolicy) and not folder.is_dir() else None
    dtype = policy.dtype if isinstance(policy, PretrainedPolicy) else "float32"
    model = AutoModelForCausalLM.from_pretrained(str(folder), revision=revision, dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(str(folder), revision=revision, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer
