"""A small model in this process, through transformers: for people without a server, on a CPU or one GPU. Needs the extra [local]."""

import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from json import dumps, loads
from typing import Any

from rubric_factory.llm.chat_api import failed, whole
from rubric_factory.llm.local_decoding import Row, write
from rubric_factory.llm.local_weights import Loaded, load
from rubric_factory.llm.protocol import Backend, Completion, CompletionFailure, Ready, Request
from rubric_factory.settings import llm
from rubric_factory.text import printable

# Batches' worth of requests that are sorted by length together.
BATCHES_AHEAD = 8


@lru_cache(maxsize=64)
def _grammar(schema: str) -> str:
    """A JSON schema as llguidance reads it. No free white space: a model can fill a reply with it."""
    from llguidance import LLMatcher

    made: str = LLMatcher.grammar_from_json_schema(loads(schema), overrides={"whitespace_flexible": False})
    return made


def _together(same: Iterable[tuple[Request, Row]], batch: int, context: int | None) -> Iterator[list[tuple[Request, Row]]]:
    """Rows of one width in batches. A row goes on, unread, until the last of its batch is done: none may then be past the context."""
    chosen: list[tuple[Request, Row]] = []
    longest = most = 0
    for request, row in same:
        longest, most = max(longest, len(row.prompt)), max(most, row.most)
        if len(chosen) == batch or (chosen and context is not None and longest + most > context):
            yield chosen
            chosen, longest, most = [], len(row.prompt), row.most
        chosen.append((request, row))
    if chosen:
        yield chosen


class LocalModel(Backend):
    """See the module. Weights are read with the first batch."""

    def __init__(self, section: llm.Local) -> None:
        super().__init__(section.model, section.revision, "local:in-process")
        self._section = section
        self._loaded: Loaded | None = None

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """As Backend.batches. Errors: those of local_weights.load, LanguageModelError where a batch cannot be computed."""
        waiting: list[Request] = []
        for request in requests:
            if request is None:
                yield []
                continue
            waiting.append(request)
            if len(waiting) == BATCHES_AHEAD * self._section.batch:
                yield from self._answers(waiting)
                waiting = []
        if waiting:
            yield from self._answers(waiting)

    def _answers(self, requests: list[Request]) -> Iterator[Ready]:
        """Answers batch by batch, prompts of the same width together; a request that cannot be asked fails alone."""
        loaded = self._loaded = self._loaded or load(self._section)
        widths: dict[int, list[tuple[Request, Row]]] = defaultdict(list)
        refused: Ready = []
        for request in requests:
            row = self._row(loaded, request)
            if isinstance(row, str):
                refused.append((request.request_id, failed(CompletionFailure.BAD_REQUEST, row)))
            else:
                widths[row.width].append((request, row))
        if refused:
            yield refused
        batch = self._section.batch
        for _, same in sorted(widths.items()):
            for chosen in _together(same, batch, self._context(loaded)):
                started = time.monotonic()
                write(loaded, [row for _, row in chosen], batch)
                share = (time.monotonic() - started) / len(chosen)
                yield [(request.request_id, self._completion(loaded, request, row, share)) for request, row in chosen]

    def _row(self, loaded: Loaded, request: Request) -> Row | str:
        """A request as a row of a batch, or why it cannot be one. Draws follow from seed and prompt, not from where the weights lie."""
        from jinja2 import TemplateError
        from llguidance import LLMatcher

        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        try:
            prompt: list[int] = loaded.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # of a program from elsewhere
            return f"the model's chat template refuses the messages: {error}"
        if not prompt:
            return "the model's chat template makes nothing of the messages"
        context = self._context(loaded)
        if context is not None and len(prompt) >= context:
            return f"the prompt has {len(prompt)} tokens, the context {context}"
        matcher: Any = None
        if request.schema is not None:
            matcher = LLMatcher(loaded.grammars, _grammar(dumps(request.schema)), log_level=0)
            if matcher.is_error():
                return f"llguidance cannot hold a reply to the schema: {matcher.get_error()}"
        most = request.max_tokens if context is None else min(request.max_tokens, context - len(prompt))
        draws = random.Random(request.key("", self.revision))
        return Row(prompt, most, request.temperature, request.top_p, matcher, draws)

    def _context(self, loaded: Loaded) -> int | None:
        return self._section.max_model_len or loaded.context

    def _completion(self, loaded: Loaded, request: Request, row: Row, seconds: float) -> Completion:
        """Completion of a written row; seconds: its share of the batch's wall time."""
        known: dict[str, Any] = {
            "served_model": loaded.served,
            "engine": loaded.engine,
            "prompt_tokens": len(row.prompt),
            "completion_tokens": len(row.tokens),
            "cached_tokens": 0,
            "seconds": seconds,
        }
        said = [token for token in row.tokens if token not in loaded.ends]
        text = whole(loaded.tokenizer.decode(said, skip_special_tokens=True, clean_up_tokenization_spaces=False))
        if row.ended:
            return Completion(text=text, **known)
        detail = "max_tokens reached" if row.most == request.max_tokens else f"the context of {self._context(loaded)} tokens is full"
        if row.fault:  # a limit of its own: stored as what was written, since it would take as long and stop there again
            detail = printable(f"llguidance stopped: {row.fault}")
        return Completion(text=text, failure=CompletionFailure.TRUNCATED, detail=detail, **known)
