"""Replies of one batch, token by token: transformers runs the model, each row draws for itself and keeps to its own schema.

A reply must not depend on who shares its batch. So every batch has the same number of rows and a width that follows from a row's own
length, each row has at least one pad (a batch without any takes another attention kernel), and each draws with its own generator.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rubric_factory.errors import LanguageModelError
from rubric_factory.llm.local_weights import Loaded
from rubric_factory.text import printable

# Prompts are padded, left, to the next multiple of this: rows of the same width share a batch.
WIDTH = 256


@dataclass
class Row:
    """One reply: prompt as token ids, most: tokens at most; matcher: llguidance's, None for free text.

    tokens: what was drawn, the end included; ended: the model ended it; fault: why it cannot go on, '' while it can.
    """

    prompt: list[int]
    most: int
    temperature: float = 0.0
    top_p: float = 1.0
    matcher: Any = None
    draws: random.Random = field(default_factory=random.Random)
    tokens: list[int] = field(default_factory=list)
    ended: bool = False
    fault: str = ""

    @property
    def width(self) -> int:
        """Tokens of the prompt with its pads, at least one of them."""
        return (len(self.prompt) // WIDTH + 1) * WIDTH

    @property
    def done(self) -> bool:
        """Whether no further token is drawn."""
        return self.ended or bool(self.fault) or len(self.tokens) >= self.most

    def step(self, scores: Any, ends: frozenset[int]) -> int:
        """Draw the next token. scores: of the vocabulary, float64. Errors: LanguageModelError where they are no numbers."""
        if self.matcher is not None and not self._hold(scores):
            return 0
        token = draw(scores, self.temperature, self.top_p, self.draws)
        self.tokens.append(token)
        self.ended = token in ends
        if self.matcher is not None:
            self.matcher.consume_token(token)
            # A complete document that can only be followed by the end is not asked for it.
            self.ended = self.ended or (self.matcher.is_stopped() and not self.matcher.is_error())
        return token

    def _hold(self, scores: Any) -> bool:
        """Take away what the schema does not allow; False where llguidance gave up (a limit of its own)."""
        import numpy as np
        import torch
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

        if not self.matcher.is_error():
            mask = allocate_token_bitmask(1, scores.shape[0])
            fill_next_token_bitmask(self.matcher, mask)
            allowed = np.unpackbits(mask.view(np.uint8)[0], bitorder="little")[: scores.shape[0]]
            scores.masked_fill_(torch.from_numpy(allowed == 0), -math.inf)
        self.fault = self.matcher.get_error() if self.matcher.is_error() else ""
        return not self.fault


def draw(scores: Any, temperature: float, top_p: float, draws: random.Random) -> int:
    """The id of the next token: the best one at temperature 0, else where a uniform draw falls in the cumulated probabilities.

    top_p: only the smallest set of the most probable tokens that has this probability is drawn from (arXiv 1904.09751).
    """
    import torch

    if not math.isfinite(float(scores.max())):
        raise LanguageModelError(
            "the model's scores are no numbers", expected="finite scores", fix='say dtype = "float32", or take other weights'
        )
    if temperature == 0:
        return int(scores.argmax())
    shares = torch.softmax(scores / temperature, dim=-1)
    if top_p < 1:
        ranked, ids = shares.sort(descending=True, stable=True)
        ranked[ranked.cumsum(0) - ranked >= top_p] = 0.0
        shares = torch.zeros_like(shares).scatter_(0, ids, ranked)
    reached = shares.cumsum(0)
    total = float(reached[-1])
    return int(torch.searchsorted(reached, min(draws.random() * total, math.nextafter(total, 0.0)), right=True))


def write(loaded: Loaded, rows: Sequence[Row], batch: int) -> None:
    """Write the replies of at most `batch` rows of the same width, into the rows.

    Errors: LanguageModelError where the memory does not suffice, or the scores are no numbers.
    """
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    width, device = rows[0].width, loaded.model.device
    pad = min(loaded.ends)
    ids = torch.full((batch, width), pad, device=device)
    mask = torch.zeros_like(ids)
    for number in range(batch):
        prompt = rows[number].prompt if number < len(rows) else [pad]
        ids[number, width - len(prompt) :] = torch.tensor(prompt, device=device)
        mask[number, width - len(prompt) :] = 1

    def choose(_: Any, scores: Any) -> Any:
        """Each row's own draw, as scores that leave nothing else to choose. On the CPU: the same sums whatever the device."""
        found, chosen = scores.detach().to("cpu", torch.float64), torch.full((batch, 1), pad)
        for number, row in enumerate(rows):
            if not row.done:
                chosen[number] = row.step(found[number], loaded.ends)
        return torch.full_like(scores, -math.inf).scatter_(1, chosen.to(device), 0.0)

    def stop(*_: Any, **__: Any) -> Any:
        """Which rows are done; those that only fill the batch are from the start."""
        return torch.tensor([number >= len(rows) or rows[number].done for number in range(batch)], device=device)

    try:
        with torch.inference_mode():
            loaded.model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=max(row.most for row in rows),
                do_sample=False,
                pad_token_id=pad,
                logits_processor=LogitsProcessorList([choose]),
                stopping_criteria=StoppingCriteriaList([stop]),
            )
    except RuntimeError as error:
        raise LanguageModelError(
            f"the model stopped at {batch} rows of {width} tokens: {printable(str(error))}",
            expected="memory for a batch",
            fix="a smaller batch, max_tokens or max_model_len in this section; what was answered is kept",
        ) from error
