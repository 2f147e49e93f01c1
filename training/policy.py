"""The base policy of a run: made on the spot and cached by content, or loaded from a model folder."""

import hashlib
import os
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


def _saved(folder: Path, model: Any, tokenizer: Any) -> None:
    """Save whole or not at all; another process that was quicker wins."""
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)


def _read(spec: RunSpec, policy: MadePolicy, data: VersionData, report: Report) -> Path:
    """The policy after reading: shared by all runs of a seed that read the same texts, whatever they are trained on."""
    import torch

    from training.reading import new_model, packed, read
    from training.tokenizer import train_tokenizer
    from training.unfinished import Unfinished

    texts = list(corpus_texts(spec, data))
    digest = hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
    key = content_id("reading", policy.model_dump(mode="json", exclude={"warmup_epochs"}), spec.seed, digest)[:16]
    folder = spec.policies / f"read-{key}"
    unfinished = Unfinished(folder)
    if folder.exists():
        unfinished.remove()
        return folder
    torch.manual_seed(spec.seed)
    tokenizer = train_tokenizer(texts, policy.vocabulary)
    model = new_model(policy, len(tokenizer))
    read(model, packed(tokenizer, texts), policy, spec.seed, report, unfinished)
    _saved(folder, model, tokenizer)
    unfinished.remove()
    return folder


def base_policy(spec: RunSpec, data: VersionData, report: Report) -> Path:
    """Folder (or name) of the base policy, made if it is not there yet: a made policy has read, then warmed up on the train tasks.

    It is shared by the variants of one seed, so that arms of one experiment start from the same weights. Reading and warm-up go on where
    an earlier process was stopped, or some seconds before.
    """
    policy = spec.training.policy
    if isinstance(policy, PretrainedPolicy):
        return Path(policy.model)
    from training.reading import warm_up
    from training.unfinished import Unfinished

    spec.policies.mkdir(parents=True, exist_ok=True)
    read = _read(spec, policy, data, report)
    folder = spec.policies / f"base-{content_id('base', read.name, policy.warmup_epochs, spec.seed, spec.content_fingerprint)[:16]}"
    unfinished = Unfinished(folder)
    if folder.exists():
        unfinished.remove()
        return folder
    model, tokenizer = load(spec, read)
    pairs = [(messages(task), task.reference_answer) for task in data.split("train")]
    warm_up(model, tokenizer, pairs, policy.warmup_epochs, spec.seed, report, unfinished)
    _saved(folder, model, tokenizer)
    unfinished.remove()
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
