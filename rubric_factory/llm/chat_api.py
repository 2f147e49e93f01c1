"""The chat-completions format, shared by the HTTP server and batch files: a request as a body, a reply's bytes as a Completion.

A reply is untrusted: whatever it holds, the outcome is a value. Source: the OpenAI API reference, chat completions; vLLM's server.
"""

import json
from functools import lru_cache
from typing import Any

from rubric_factory.llm.protocol import Completion, CompletionFailure, Request
from rubric_factory.text import printable

# A reply larger than this is refused: a million characters is far above what any max_tokens here allows.
MAX_REPLY_BYTES = 4 * 1024 * 1024
_MAX_TOKENS = 2**31


def body(request: Request, model: str, *, schema: bool = True) -> dict[str, Any]:
    """Body of POST /v1/chat/completions; with a schema, structured output through response_format. schema: whether to send it."""
    made: dict[str, Any] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
    }
    if schema and request.schema is not None:
        made["response_format"] = {"type": "json_schema", "json_schema": {"name": "reply", "schema": request.schema, "strict": True}}
    return made


def whole(text: str) -> str:
    """Text without lone surrogates (JSON may escape them; UTF-8, and so a ledger, cannot hold them): U+FFFD instead."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def failed(failure: CompletionFailure, detail: str, **known: Any) -> Completion:
    """A Completion without a usable answer; detail may quote the server: it is made safe to show."""
    return Completion(failure=failure, detail=printable(whole(detail)), **known)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def parsed(raw: bytes | str) -> Any:
    """Strict JSON. Errors: ValueError for anything else: NaN, Infinity, bad UTF-8, nesting too deep to read."""
    try:
        return _DECODER.decode(raw if isinstance(raw, str) else raw.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("nested too deep") from None


@lru_cache(maxsize=64)
def _name(text: str) -> str:
    """What a server calls itself, safe to show: the same few names in every reply."""
    return printable(whole(text))


def _tokens(usage: Any, name: str) -> int:
    """A token count, 0 (unknown) where it is missing or none."""
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if type(count) is int and 0 <= count < _MAX_TOKENS else 0


def _cached(usage: Any) -> int | None:
    """Prompt tokens that the server had computed before; None where it does not say."""
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    if not isinstance(details, dict) or type(details.get("cached_tokens")) is not int:
        return None
    return min(_tokens(details, "cached_tokens"), _tokens(usage, "prompt_tokens"))


def completion(reply: Any, seconds: float, endpoint: str = "") -> Completion:
    """Completion of a decoded reply. Text that the server cut is TRUNCATED, a refusal REFUSED, a reply of another shape TRANSPORT."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        detail = f"no choices[0].message in the reply: {str(reply)[:120]}"
        return failed(CompletionFailure.TRANSPORT, detail, seconds=seconds, endpoint=endpoint)
    served, usage, finish = reply.get("model"), reply.get("usage"), choice.get("finish_reason")
    engine = reply.get("system_fingerprint")
    known: dict[str, Any] = {
        "served_model": _name(served) if isinstance(served, str) else "",
        "engine": _name(engine) if isinstance(engine, str) else "",
        "prompt_tokens": _tokens(usage, "prompt_tokens"),
        "completion_tokens": _tokens(usage, "completion_tokens"),
        "cached_tokens": _cached(usage),
        "seconds": seconds,
        "endpoint": endpoint,
    }
    refusal, content = message.get("refusal"), message.get("content")
    if finish == "content_filter" or (isinstance(refusal, str) and refusal):
        return failed(CompletionFailure.REFUSED, str(refusal or "content_filter"), **known)
    if finish == "length":
        text = whole(content) if isinstance(content, str) else ""
        return Completion(text=text, failure=CompletionFailure.TRUNCATED, detail="max_tokens reached", **known)
    if not isinstance(content, str):
        return failed(CompletionFailure.TRANSPORT, f"choices[0].message.content is {type(content).__name__}, expected text", **known)
    return Completion(text=whole(content), **known)


def read_reply(raw: bytes, seconds: float, endpoint: str = "") -> Completion:
    """Completion of the bytes of a reply with status 200."""
    try:
        return completion(parsed(raw), seconds, endpoint)
    except ValueError as error:
        return failed(CompletionFailure.TRANSPORT, f"the reply is not JSON: {error}", seconds=seconds, endpoint=endpoint)
