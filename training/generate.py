"""Responses of a local policy: batched sampling with a seed, plain transformers."""

from typing import Any

import torch

Messages = list[dict[str, str]]


def _batches(model: Any, tokenizer: Any, rows: list[list[int]], batch: int, **options: Any) -> list[list[int]]:
    """New token ids of each row, in order; rows are prompts as token ids, left-padded per batch."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    out: list[list[int]] = [[] for _ in rows]
    model.eval()
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        width = max(len(rows[i]) for i in chosen)
        ids = torch.full((len(chosen), width), tokenizer.pad_token_id, device=model.device)
        mask = torch.zeros_like(ids)
        for row, i in enumerate(chosen):
            ids[row, width - len(rows[i]) :] = torch.tensor(rows[i], device=model.device)
            mask[row, width - len(rows[i]) :] = 1
        with torch.inference_mode():
            made = model.generate(input_ids=ids, attention_mask=mask, pad_token_id=tokenizer.pad_token_id, **options)
        for row, i in enumerate(chosen):
            new = made[row, width:].tolist()
            out[i] = new[: new.index(tokenizer.eos_token_id)] if tokenizer.eos_token_id in new else new
    return out


def prompt_ids(tokenizer: Any, prompts: list[Messages]) -> list[list[int]]:
    """Each prompt through the chat template, ready for the assistant's turn."""
    return [tokenizer.apply_chat_template(p, add_generation_prompt=True, tokenize=True, return_dict=False) for p in prompts]


def respond(
    model: Any, tokenizer: Any, prompts: list[Messages], *, max_tokens: int, temperature: float, seed: int, batch: int
) -> list[str]:
    """One sampled response per prompt, in order; temperature 0 is greedy."""
    torch.manual_seed(seed)
    options: dict[str, Any] = {"max_new_tokens": max_tokens, "do_sample": temperature > 0}
    if temperature > 0:
        options.update(temperature=temperature, top_k=0, top_p=1.0)
    made = _batches(model, tokenizer, prompt_ids(tokenizer, prompts), batch, **options)
    return [tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in made]


def extend(
    model: Any, tokenizer: Any, prompts: list[Messages], responses: list[str], *, tokens: int, temperature: float, seed: int, batch: int
) -> list[str]:
    """Each response continued by `tokens` further tokens with the end token suppressed: the raw material of the length arm."""
    torch.manual_seed(seed)
    rows = [p + tokenizer(r, add_special_tokens=False)["input_ids"] for p, r in zip(prompt_ids(tokenizer, prompts), responses, strict=True)]
    options: dict[str, Any] = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": temperature > 0}
    if temperature > 0:
        options.update(temperature=temperature, top_k=0, top_p=1.0)
    made = _batches(model, tokenizer, rows, batch, **options)
    return [f"{r}{tokenizer.decode(ids, skip_special_tokens=True)}" for r, ids in zip(responses, made, strict=True)]
