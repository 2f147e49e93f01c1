"""A random-weight Qwen2 of half a million parameters with a tokenizer trained on the spot: real enough for vLLM and transformers."""

import tempfile
from functools import cache
from pathlib import Path

from rubric_factory.llm.local import LocalModel
from rubric_factory.llm.vllm import VllmModel
from rubric_factory.settings import llm

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# head_dim 128 / 4 = 32: vLLM's CPU attention crashes with 16.
# Every printable ASCII character, in the alphabet of byte-level BPE (a blank is written as U+0120, a newline as U+010A).
ASCII = [chr(code) for code in range(33, 127)] + ["\u0120", "\u010a"]
HIDDEN, HEADS, LAYERS, VOCABULARY, CONTEXT = 128, 4, 2, 1024, 32768


def build(folder: Path, texts: list[str]) -> Path:
    """Write config, weights and tokenizer to folder; the same folder every time for the same texts."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=ASCII, show_progress=False)
    # ASCII only: random weights over single bytes write invalid UTF-8, which xgrammar lets through and counts as fewer characters than
    # the replacement characters it is decoded to.
    tokenizer.train_from_iterator([text.encode("ascii", "ignore").decode() for text in texts], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(fast),
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS // 2,
        max_position_embeddings=CONTEXT,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


def corpus() -> list[str]:
    """Text that stays as it is, so that the tokenizer and what the model writes do."""
    return [(Path(__file__).parent.parent / "LICENSE").read_text(encoding="utf-8")]


@cache
def folder() -> Path:
    """The model, made once a process."""
    return build(Path(tempfile.mkdtemp(prefix="tiny-qwen-")), corpus())


@cache
def in_process() -> VllmModel:
    """The one engine of this process."""
    return VllmModel(llm.Vllm(model=str(folder()), revision="r", max_model_len=CONTEXT))


@cache
def local() -> LocalModel:
    """The same model through transformers."""
    return LocalModel(llm.Local(model=str(folder()), revision="r", device="cpu", batch=16))
