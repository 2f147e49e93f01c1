"""What is known of a policy without loading it: its parameters, and which prompts are too long for it."""

import json
import struct
from pathlib import Path
from typing import Any

from rubric_factory.settings.training import MadePolicy, Policy, PretrainedPolicy

BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
Chat = list[dict[str, str]]
# A byte-pair tokenizer never makes more tokens than bytes; a chat template adds some around each message.
TEMPLATE_TOKENS = 16


def made_parameters(policy: MadePolicy) -> int:
    """Parameters of the made Llama shape: tied embedding, attention, gated MLP, norms."""
    inner = policy.width * 8 // 3
    layer = 4 * policy.width**2 + 3 * policy.width * inner + 2 * policy.width
    return policy.vocabulary * policy.width + policy.layers * layer + policy.width


def model_folder(policy: PretrainedPolicy) -> Path | None:
    """The folder of a pretrained policy on this machine: itself, or the Hub cache's; None where it is not here. Nothing is fetched."""
    if Path(policy.model).is_dir():
        return Path(policy.model)
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ImportError:
        return None
    try:
        found = try_to_load_from_cache(policy.model, "config.json", revision=policy.revision)
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def safetensors_parameters(folder: Path) -> int:
    """Parameters in *.safetensors, from the shapes in their headers (8 bytes of length, then JSON); 0 where there is no file."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as handle:
            (size,) = struct.unpack("<Q", handle.read(8))
            header: dict[str, Any] = json.loads(handle.read(size))
        for name, tensor in header.items():
            if name != "__metadata__":
                count = 1
                for length in tensor["shape"]:
                    count *= length
                total += count
    return total


def parameter_count(policy: Policy) -> tuple[int | None, str]:
    """Number of parameters (None: unknown) and where it comes from."""
    if isinstance(policy, MadePolicy):
        return made_parameters(policy), "from the configured shape, with a full vocabulary"
    folder = model_folder(policy)
    count = safetensors_parameters(folder) if folder else 0
    return (count, "from the weight files") if count else (None, f"unknown: the weights of {policy.model} are not on this machine")


def _tokenizer(policy: Policy, made: Path) -> Path | None:
    """tokenizer.json of the policy; of a made one, any that was made from the same section (they differ by the corpus alone)."""
    if isinstance(policy, PretrainedPolicy):
        folder = model_folder(policy)
        return folder / "tokenizer.json" if folder and (folder / "tokenizer.json").exists() else None
    return max(made.glob("*/tokenizer.json"), key=lambda path: path.stat().st_mtime, default=None)


def prompts_over(policy: Policy, made: Path, prompts: list[Chat], limit: int) -> tuple[int | None, str]:
    """How many prompts have more than `limit` tokens (None: unknown), and how that was found."""
    texts = ["\n".join(message["content"] for message in prompt) for prompt in prompts]
    path = _tokenizer(policy, made)
    if path is not None:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(path))
        lengths = [len(tokenizer.encode(text, add_special_tokens=False).ids) + TEMPLATE_TOKENS for text in texts]
        return sum(length > limit for length in lengths), f"counted by {path.parent.name}'s tokenizer, {TEMPLATE_TOKENS} for the template"
    doubtful = sum(len(text.encode()) + TEMPLATE_TOKENS > limit for text in texts)
    if doubtful == 0:
        return 0, "even at a token a byte"
    return None, f"unknown: no tokenizer of this policy is here yet; {doubtful} prompts have more than {limit} bytes"
