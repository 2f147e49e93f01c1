"""What a local model is loaded from: a folder, or a snapshot in the Hugging Face cache; its digest is what the model is called.

Weights are read from safetensors alone and no code of a model is run, so a folder from elsewhere can do no more than write bad text.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from rubric_factory.errors import ConfigurationError, LanguageModelError, MissingExtraError
from rubric_factory.settings import llm
from rubric_factory.text import printable

# What decides on replies: weights, configurations, tokenizer, chat template.
FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")


@dataclass(frozen=True)
class Loaded:
    """A model in memory. grammars: the tokenizer as llguidance knows it; ends: the tokens that end a reply; context: tokens at most.

    served: sha256 over the files it was loaded from; engine: versions, device and type of numbers, since all of them decide on replies.
    """

    model: Any
    tokenizer: Any
    grammars: Any
    ends: frozenset[int]
    context: int | None
    served: str
    engine: str


# Author, judge and solver that are the same model take its memory once.
_LOADED: "WeakValueDictionary[tuple[str, str, str], Loaded]" = WeakValueDictionary()


def _unusable(section: llm.Local, why: object, fix: str) -> LanguageModelError:
    return LanguageModelError(
        f"the model {section.model!r} cannot be loaded: {printable(str(why), 400)}",
        expected="a folder or cached model that transformers can load, with safetensors, a fast tokenizer and a chat template",
        fix=fix,
    )


def find(section: llm.Local) -> Path:
    """The folder of a model. Errors: LanguageModelError where there is none, or it cannot be fetched."""
    folder = Path(section.model)
    if folder.is_dir():
        return folder
    from httpx import HTTPError
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(
            section.model,
            revision=section.revision,
            local_files_only=not section.download,
            allow_patterns=list(FILES),
            ignore_patterns=["*/*"],  # a pattern's * takes slashes too, and folders hold the same weights in other formats
        )
    except (OSError, ValueError, HTTPError) as error:
        if section.download:
            raise _unusable(section, error, "mend model and revision, or look at the network") from None
        why = f"no such folder, and its revision {section.revision!r} is not in the Hugging Face cache"
        raise _unusable(section, why, "name a folder, or say download = true in this section") from None
    return Path(found)


def digest(folder: Path) -> str:
    """sha256 hex digest over the names and contents of the files that a model is loaded from."""
    found = sorted({path for pattern in FILES for path in folder.glob(pattern) if path.is_file()})
    lines = []
    for path in found:
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def load(section: llm.Local) -> Loaded:
    """The model of a section, in memory. Errors: MissingExtraError, LanguageModelError, ConfigurationError (device, max_model_len)."""
    for package in ("torch", "transformers", "llguidance"):
        try:
            __import__(package)
        except ImportError:
            raise MissingExtraError.of(package, "local") from None
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    # Whatever the libraries make of a damaged configuration, and packages that a format of weights asks for.
    damaged = (RuntimeError, ValueError, OSError, LookupError, TypeError, AttributeError, ArithmeticError, ImportError)
    device, dtype = _device(section)
    folder = find(section)
    served = f"sha256:{digest(folder)}"
    loaded = _LOADED.get((served, device, dtype))
    if loaded is None:
        try:
            loaded = _read(section, folder, served, device, dtype)
        except (*damaged, SafetensorError, StrictDataclassError) as error:
            raise _unusable(section, error, "mend the folder, or take a smaller model where memory is short") from error
        _LOADED[served, device, dtype] = loaded
    if section.max_model_len and loaded.context and section.max_model_len > loaded.context:
        got = f"max_model_len is {section.max_model_len}"
        raise ConfigurationError(got, expected=f"at most the model's own {loaded.context}", fix="lower it, or leave it out")
    return loaded


def _device(section: llm.Local) -> tuple[str, str]:
    """Device and type of numbers, 'auto' resolved."""
    import torch

    if section.device == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError('device is "cuda", and PyTorch finds no GPU', expected="a GPU", fix='say device = "cpu", or leave it out')
    device = ("cuda" if torch.cuda.is_available() else "cpu") if section.device == "auto" else section.device
    return device, {"cpu": "float32", "cuda": "bfloat16"}[device] if section.dtype == "auto" else section.dtype


def _require_whole_model(section: llm.Local, folder: Path) -> None:
    """Refuse what transformers would load as something else: an adapter's base lies elsewhere, of quantised weights some are left out."""
    if (folder / "adapter_config.json").exists():
        raise _unusable(section, "it holds an adapter", "merge the adapter into its model first")
    configuration = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if configuration.get("quantization_config"):
        raise _unusable(section, "its weights are quantised", "take the model's own weights, or a server")


def _read(section: llm.Local, folder: Path, served: str, device: str, dtype: str) -> Loaded:
    """Read weights and tokenizer. Errors: those of the libraries, LanguageModelError for a folder that lacks a part."""
    import torch
    from llguidance.hf import from_tokenizer
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    _require_whole_model(section, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    model, report = AutoModelForCausalLM.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=getattr(torch, dtype),
        output_loading_info=True,
    )
    if missing := sorted(report["missing_keys"]):  # transformers would draw them at random, with a warning
        raise _unusable(section, f"{len(missing)} weights are missing, {missing[0]} for one", "fetch the model anew")
    if tokenizer.chat_template is None:
        raise _unusable(section, "it has no chat template", "take a model that was trained on conversations")
    told = model.generation_config.eos_token_id
    ends = {tokenizer.eos_token_id, *(told if isinstance(told, list) else [told])} - {None}
    if not ends:
        raise _unusable(section, "it names no token that ends a reply", "take a model that was trained on conversations")
    # Sampling is the section's own: a model's defaults (penalties, top_k) would change it unseen.
    model.generation_config = GenerationConfig()
    config = model.config.get_text_config()
    return Loaded(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        grammars=from_tokenizer(tokenizer, n_vocab=config.vocab_size, eos_token=sorted(ends)),
        ends=frozenset(ends),
        context=getattr(config, "max_position_embeddings", None),
        served=served,
        engine=", ".join([*(f"{name} {version(name)}" for name in ("transformers", "torch", "llguidance")), f"{device} {dtype}"]),
    )
