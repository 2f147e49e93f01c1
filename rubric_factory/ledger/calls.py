"""What the ledger keeps of a call: what was asked and why, what came back, and how a claim ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one call. failure: '' or why it is no usable text; seconds: wall time; tokens as the server counted.

    engine: version of what answered, '' unknown. cached_tokens: prompt tokens not computed anew, None where the server does not say.
    """

    text: str
    failure: str = ""
    detail: str = ""
    endpoint: str = ""
    served_model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    engine: str = ""
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands beside a call that is sent: stage, subject (passage or task) and part (which call about it) that it is paid for.

    characters: of the rendered prompt; shared: leading ones that the prompt sent before it has too. body: the request, packed;
    texts: what it shares with others, packed, by digest.
    """

    stage: str = ""
    subject: str = ""
    part: str = ""
    characters: int = 0
    shared: int = 0
    body: bytes | None = None
    texts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claims:
    """Outcome of a claim, every key in exactly one part. mine: send these; busy: another process has them under way; held: not admitted."""

    mine: list[str] = field(default_factory=list)
    answered: dict[str, Answer] = field(default_factory=dict)
    dead: dict[str, str] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model cost for one stage since the ledger was made, answers archived since included. calls: answered or failed."""

    model: str
    revision: str
    stage: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
