"""The one face every language-model backend shows: requests in, completions out as they finish."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from rubric_factory.records import Message, content_id


class CompletionFailure(StrEnum):
    """Why a request has no usable answer.

    unanswered: exported or capped, not yet answered; given_up: a dead letter, not asked again; bad_request: refused for what it is (too
    long, a parameter out of range), nothing was paid, and the same request would be refused again.
    """

    TRANSPORT = "transport"
    TIMEOUT = "timeout"
    BAD_REQUEST = "bad_request"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    UNANSWERED = "unanswered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. request_id is the caller's; key is what is paid for once.

    schema: JSON schema of the reply or None for free text. seed: draws of the backend; sampling in temperature, top_p, max_tokens.
    subject: the passage or task it is about; part: which of several calls about it. Both for accounts alone, in no key.
    """

    request_id: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    schema: dict[str, Any] | None = field(default=None, hash=False)
    subject: str = field(default="", compare=False)
    part: str = field(default="", compare=False)

    def key(self, model: str, revision: str) -> str:
        """Ledger key: model, revision, rendered messages, sampling, schema, seed. Never the request_id or the endpoint."""
        messages = [[m.role, m.content] for m in self.messages]
        return content_id("call", model, revision, messages, self.max_tokens, self.temperature, self.top_p, self.seed, self.schema)


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back: text, or why there is none (detail says more). Tokens as the server counted them, 0 where unknown.

    cached_tokens: of the prompt's, those that the server says it did not compute anew; None where it does not say.
    engine: version of what answered, '' where it does not say. endpoint: which one answered, '' for the backend's only one.
    stored: it came out of the ledger, no call was made for it now. tries: how often it was sent to where a model may have worked on it.
    """

    text: str = ""
    failure: CompletionFailure | None = None
    detail: str = ""
    served_model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cached_tokens: int | None = None
    engine: str = ""
    endpoint: str = field(default="", compare=False)
    stored: bool = field(default=False, compare=False)
    tries: int = field(default=1, compare=False)


# What `complete` returns. Close it where it is not read to its end: calls under way are then cancelled, and their leases given back.
Completions = Generator[tuple[str, Completion], None, None]


class LanguageModel(Protocol):
    """A backend. Synchronous face; answers as they complete, a bounded window of requests under way."""

    @property
    def model(self) -> str:
        """Name of the model."""

    @property
    def revision(self) -> str:
        """Revision of the weights."""

    def complete(self, requests: Iterable[Request]) -> Completions:
        """Yield (request_id, completion) for every request exactly once, in any order. Errors: LanguageModelError if nothing can work."""


# Answers that are ready together.
Ready = list[tuple[str, Completion]]


class Backend(ABC):
    """What a backend implements: `batches`. The ledger commits a batch at once; `complete` is the same, one by one."""

    def __init__(self, model: str, revision: str, endpoint: str) -> None:
        self._model, self._revision, self._endpoint = model, revision, endpoint
        # Whether spending is capped: then nothing that may have been paid is sent again within the call that was admitted.
        self.capped = False

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._model

    @property
    def revision(self) -> str:
        """Revision of the weights."""
        return self._revision

    @property
    def endpoint(self) -> str:
        """Where answers come from, recorded beside each; never part of a key."""
        return self._endpoint

    @abstractmethod
    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """Yield the answers that are ready together, every request exactly once; request_ids are distinct.

        Who asks for the next batch has committed the last one: only then may other requests take the places of those answered.
        A None among the requests means: nothing to send just now, hand over what is ready, be it nothing.
        """

    def complete(self, requests: Iterable[Request]) -> Completions:
        """As LanguageModel.complete."""
        for ready in self.batches(requests):
            yield from ready
