"""Pre-training of the small policy on running text, as a base model has read the world: Muon for matrices, AdamW for the rest."""

from collections.abc import Callable, Iterable
from typing import Any

import torch

from rubric_factory.settings.training import MadePolicy
from training.unfinished import Unfinished

Report = Callable[[dict[str, Any]], None]
Pairs = list[tuple[list[dict[str, str]], str]]  # prompt messages, answer


def new_model(policy: MadePolicy, vocabulary: int) -> Any:
    """A Llama-shaped model with random weights from torch's generator."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=policy.width,
            intermediate_size=policy.width * 8 // 3,
            num_hidden_layers=policy.layers,
            num_attention_heads=policy.heads,
            num_key_value_heads=policy.heads,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=1,
            pad_token_id=0,
        )
    )


def optimisers(model: Any, matrix_rate: float, other_rate: float) -> list[torch.optim.Optimizer]:
    """Muon on the matrices of the blocks, AdamW on embeddings and norms."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name and "lm_head" not in name]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=matrix_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=other_rate, weight_decay=0.01, betas=(0.9, 0.95)),
    ]


def packed(tokenizer: Any, texts: Iterable[str]) -> torch.Tensor:
    """All texts as one row of token ids with an end token between them. Shape [n]."""
    ids: list[int] = []
    for text in texts:
        ids.extend(tokenizer(text, add_special_tokens=False)["input_ids"])
        ids.append(tokenizer.eos_token_id)
    return torch.tensor(ids, dtype=torch.long)


def read(model: Any, stream: torch.Tensor, policy: MadePolicy, seed: int, report: Report, unfinished: Unfinished) -> float:
    """Next-token training on random windows of the stream; mean loss (nats a token) of the last tenth of the steps.

    Windows: [reading_batch, context_tokens]. Learning rates fall linearly to zero over the last half. unfinished: where a stopped
    reading is taken up.
    """
    generator = torch.Generator().manual_seed(seed)
    steps, length = policy.reading_steps, min(policy.context_tokens, len(stream) - 1)
    groups = optimisers(model, 0.003, 0.003)
    bases = [o.param_groups[0]["lr"] for o in groups]
    done, tail = unfinished.restore(model, groups)
    model.train()
    for step in range(steps):
        starts = torch.randint(0, len(stream) - length, (policy.reading_batch,), generator=generator)
        if step < done:  # drawn, so that the next draw is that of an undisturbed reading
            continue
        scale = min(1.0, (step + 1) / 20, 2 * (steps - step) / steps)
        batch = torch.stack([stream[s : s + length] for s in starts.tolist()])
        with torch.autocast("cpu", dtype=torch.bfloat16):  # twice the speed of float32; the weights stay float32
            loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser, base in zip(groups, bases, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = base * scale
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        if step >= steps - max(1, steps // 10):
            tail.append(loss.item())
        unfinished.keep(step + 1, model, groups, tail)
        if step % 10 == 0 or step == steps - 1:
            report({"phase": "reading", "step": step + 1, "steps": steps, "loss": loss.item()})
    return sum(tail) / len(tail) if tail else float("nan")


def continued(messages: list[dict[str, str]], answer: str) -> str:
    """What follows the prompt: the rest of the answer where the prompt's last line already begins it, else the whole answer."""
    stem = messages[-1]["content"].rpartition("\n")[2]
    return answer[len(stem) :].strip() if answer.lower().startswith(stem.lower()) else answer


def warm_up(model: Any, tokenizer: Any, pairs: Pairs, epochs: float, seed: int, report: Report, unfinished: Unfinished) -> None:
    """Supervised warm-up: (prompt messages, answer) pairs, loss on the answer's tokens and the end token only.

    unfinished: where a stopped warm-up is taken up.
    """
    rows = []
    for messages, answer in pairs:
        prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
        reply = [*tokenizer(continued(messages, answer), add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        rows.append((prompt, reply))
    generator = torch.Generator().manual_seed(seed)
    batch_size, optimiser = 16, torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.0)
    steps = max(1, round(epochs * len(rows) / batch_size)) if epochs > 0 and rows else 0
    order = torch.cat([torch.randperm(len(rows), generator=generator) for _ in range(int(epochs) + 1)]).tolist() if steps else []
    done, losses = unfinished.restore(model, [optimiser])
    model.train()
    for step in range(done, steps):
        chosen = [rows[i] for i in order[step * batch_size : (step + 1) * batch_size]]
        width = max(len(p) + len(r) for p, r in chosen)
        ids = torch.full((len(chosen), width), tokenizer.pad_token_id)
        labels = torch.full((len(chosen), width), -100)
        for row, (prompt, reply) in enumerate(chosen):
            ids[row, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
            labels[row, len(prompt) : len(prompt) + len(reply)] = torch.tensor(reply)
        loss = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long(), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        unfinished.keep(step + 1, model, [optimiser], losses)
        report({"phase": "warm-up", "step": step + 1, "steps": steps, "loss": loss.item()})
