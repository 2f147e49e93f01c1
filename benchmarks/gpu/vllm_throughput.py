"""Tokens per second of our in-process vLLM backend beside `vllm bench throughput`: random weights, shape of Llama-3.1-8B. Needs a GPU.

    python benchmarks/gpu/vllm_throughput.py [--requests 512] [--layers 32]

Two workloads, as author and judge send them: `author`, one system prompt shared by all, a passage each, a long reply; `judge`, a passage
and rubric shared by groups of eight, an answer each, a short reply. Each with prefix caching on and off; every engine in a process of its
own, so that its memory is free for the next one. Asked for: >= 0.95 of vLLM's own bench. No weights and no tokenizer are downloaded.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# config.json of Llama-3.1-8B, which vLLM fills with random numbers (--load-format dummy).
SHAPE = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
CONTEXT = 8192
WORDS = 4000
TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
ASKED = 0.95


@dataclass(frozen=True)
class Work:
    """Tokens of a request: shared by `group` of them (0: by all), its own, of the reply."""

    shared: int
    own: int
    reply: int
    group: int

    def prefixes(self, requests: int) -> int:
        return max(1, requests // self.group) if self.group else 1


WORKLOADS = {"author": Work(1200, 700, 1500, 0), "judge": Work(2200, 250, 400, 8)}


def make_model(folder: Path, layers: int) -> None:
    """A configuration and a tokenizer of one token a word: prompts have exactly as many tokens as words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<eos>": 0, "<unk>": 1} | {f"w{number}": number + 2 for number in range(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", unk_token="<unk>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({**SHAPE, "num_hidden_layers": layers, "eos_token_id": 0, "bos_token_id": 0}))


def ours(folder: Path, work: Work, count: int, caching: bool) -> float:
    """Tokens per second, of prompts and replies, through rubric_factory's backend; engine start and one short batch before the clock."""
    from rubric_factory.llm.protocol import Request
    from rubric_factory.llm.vllm import VllmModel
    from rubric_factory.records import Message
    from rubric_factory.settings import llm

    draw = random.Random(7)

    def words(number: int) -> str:
        return " ".join(f"w{draw.randrange(WORDS)}" for _ in range(number))

    def request(name: str, shared: str, reply: int) -> Request:
        return Request(name, (Message("system", shared), Message("user", words(work.own))), reply, 1.0, 1.0, draw.randrange(2**31))

    prefixes = [words(work.shared) for _ in range(work.prefixes(count))]
    requests = [request(str(n), prefixes[n * len(prefixes) // count], work.reply) for n in range(count)]
    section = llm.Vllm(model=str(folder), revision="dummy", max_model_len=CONTEXT, prefix_caching=caching)
    model = VllmModel(section, load_format="dummy")
    list(model.complete([request(f"warm {n}", words(work.shared), 8) for n in range(8)]))
    started = time.monotonic()
    answers = [completion for _, completion in model.complete(requests)]
    seconds = time.monotonic() - started
    return sum(completion.prompt_tokens + completion.completion_tokens for completion in answers) / seconds


def theirs(folder: Path, work: Work, count: int, caching: bool) -> float:
    """The same from `vllm bench throughput`, on its own data set of repeated prefixes."""
    out = folder / "bench.json"
    command = ["vllm", "bench", "throughput", "--model", str(folder), "--load-format", "dummy", "--max-model-len", str(CONTEXT)]
    command += ["--backend", "vllm", "--dataset-name", "prefix_repetition", "--num-prompts", str(count), "--num-warmups", "8"]
    command += ["--prefix-repetition-prefix-len", str(work.shared), "--prefix-repetition-suffix-len", str(work.own)]
    command += ["--prefix-repetition-num-prefixes", str(work.prefixes(count)), "--prefix-repetition-output-len", str(work.reply)]
    command += ["--enable-prefix-caching" if caching else "--no-enable-prefix-caching", "--output-json", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return float(json.loads(out.read_text())["tokens_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=512)
    parser.add_argument("--layers", type=int, default=32, help="fewer for a smaller GPU")
    parser.add_argument("--one", nargs=3, metavar=("FOLDER", "WORKLOAD", "CACHING"), help="used by itself: one run of ours")
    chosen = parser.parse_args()
    if chosen.one:
        folder, name, caching = chosen.one
        print(ours(Path(folder), WORKLOADS[name], chosen.requests, caching == "on"))
        return
    print("| workload | prefix caching | ours, tokens/s | vllm bench, tokens/s | ratio |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as made:
        make_model(Path(made), chosen.layers)
        for name, work in WORKLOADS.items():
            for caching in ("on", "off"):
                command = [sys.executable, __file__, "--requests", str(chosen.requests), "--one", made, name, caching]
                mine = float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])
                bench = theirs(Path(made), work, chosen.requests, caching == "on")
                print(f"| {name} | {caching} | {mine:.0f} | {bench:.0f} | {mine / bench:.3f} (asked: >= {ASKED}) |", flush=True)


if __name__ == "__main__":
    main()
