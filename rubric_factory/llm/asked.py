"""A request as the ledger keeps it: packed, what it shares with others apart; and the prefix it shares with the one before it."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa

from rubric_factory.ledger import Asked
from rubric_factory.llm.protocol import Request

# For a prompt of 6 KB: lz4 15 µs and 4.0 KB, zstd 40 µs and 2.8 KB, zlib 104 µs and 2.9 KB (docs/adr/0010).
_CODEC = pa.Codec("lz4_raw")
_SIZE_BYTES = 4


def pack(text: str) -> bytes:
    """Compressed UTF-8 behind its length."""
    raw = text.encode("utf-8", "replace")
    packed: bytes = _CODEC.compress(raw, asbytes=True)
    return len(raw).to_bytes(_SIZE_BYTES, "big") + packed


def unpack(body: bytes) -> str:
    """What `pack` packed. Errors: ValueError for anything else."""
    try:
        raw: bytes = _CODEC.decompress(body[_SIZE_BYTES:], int.from_bytes(body[:_SIZE_BYTES], "big"), asbytes=True)
    except OSError as error:
        raise ValueError(f"not packed by us: {error}") from None
    return raw.decode("utf-8")


@lru_cache(maxsize=256)
def _shared(text: str) -> tuple[str, bytes]:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32], pack(text)


class Describer:
    """Describes the requests of one stage, in the order in which they are claimed."""

    def __init__(self, stage: str) -> None:
        self._stage, self._before = stage, ""
        # The last schema's text: the author's is one and the same object, a judge's the same for all answers to a task.
        self._schema: tuple[dict[str, Any] | None, str] = (None, "null")

    def __call__(self, request: Request) -> Asked:
        """What stands beside the call in the ledger."""
        prompt = "\n".join(f"{message.role}\n{message.content}" for message in request.messages)
        shared, self._before = common_prefix(self._before, prompt), prompt
        texts: dict[str, bytes] = {}
        row: dict[str, Any] = {"messages": [], "schema": None}
        for message in request.messages[:-1]:
            digest, body = _shared(message.content)
            texts[digest] = body
            row["messages"].append([message.role, digest])
        row["messages"] += [[message.role, None] for message in request.messages[-1:]]
        last = request.messages[-1].content if request.messages else ""
        if request.schema is not None:
            row["schema"], body = _shared(self._schema_text(request.schema))
            texts[row["schema"]] = body
        row |= {name: getattr(request, name) for name in ("max_tokens", "temperature", "top_p", "seed")}
        packed = pack(f"{json.dumps(row)}\n{last}")
        return Asked(self._stage, request.subject, request.part, len(prompt), shared, packed, texts)

    def _schema_text(self, schema: dict[str, Any]) -> str:
        if self._schema[0] is not schema:
            self._schema = (schema, json.dumps(schema, ensure_ascii=False, separators=(",", ":")))
        return self._schema[1]


def common_prefix(left: str, right: str) -> int:
    """Length of the longest common prefix, by halving: comparing is C, counting would be Python."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def restored(body: bytes, texts: Mapping[str, bytes]) -> dict[str, Any]:
    """The request again: messages (role, content), schema, sampling. Errors: ValueError where it is damaged, KeyError for a lost text."""
    head, _, last = unpack(body).partition("\n")
    row: dict[str, Any] = json.loads(head)
    row["messages"] = [{"role": role, "content": last if digest is None else unpack(texts[digest])} for role, digest in row["messages"]]
    if row["schema"] is not None:
        row["schema"] = json.loads(unpack(texts[row["schema"]]))
    return row
