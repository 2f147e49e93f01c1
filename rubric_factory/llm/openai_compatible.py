"""Any server that speaks POST /v1/chat/completions, over aiohttp: a bounded window, retries, answers as they complete.

A failed request is a value. Only a server that cannot work at all (absent, no key, no such model) is an error, and only before its
first good answer: after that an outage is retried, and then becomes `transport` values.
"""

import asyncio
import contextlib
import json
import os
import queue
import random
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from rubric_factory.errors import LanguageModelError
from rubric_factory.llm import chat_api
from rubric_factory.llm.event_loop import EventLoop
from rubric_factory.llm.protocol import Backend, Completion, CompletionFailure, Ready, Request
from rubric_factory.settings import llm
from rubric_factory.text import printable

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 30.0
CLOSE_SECONDS = 10.0
MAX_PAUSE_SECONDS = 60.0
_CHUNK_BYTES = 65536
# Of the 4xx these speak of key, address and proxy: another request would fare no better. The others refuse the request itself.
_ABOUT_THE_SERVER = frozenset({401, 404, 405, 407})

# What a task leaves for the caller's thread: an answer, or an error that ends the call.
Results = queue.SimpleQueue[tuple[str, Completion] | BaseException]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Outcome of one try. retry: another may go better; after: seconds the server asked to wait, at least."""

    completion: Completion
    retry: bool = False
    after: float = 0.0


def retry_after(value: str | None, now: float) -> float:
    """Seconds a Retry-After header asks for (number or HTTP date), in [0, MAX_PAUSE_SECONDS]; 0 if unreadable. now: since 1970."""
    if not value:
        return 0.0
    try:
        seconds = float(value) if value.replace(".", "", 1).isdecimal() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_PAUSE_SECONDS)


class OpenAICompatibleModel(Backend):
    """See the module. backoff_seconds: mean pause before the first retry; it doubles with each."""

    def __init__(self, section: llm.OpenAICompatible, *, backoff_seconds: float = 1.0) -> None:
        super().__init__(section.model, section.revision, section.base_url.rstrip("/"))
        self._section = section
        self._backoff = backoff_seconds
        # Held in memory only, and blotted out of every reply: a server may echo it.
        self._key = os.environ.get(section.api_key_env, "").strip()
        self._loop: EventLoop | None = None
        self._starting = threading.Lock()
        self._worked = False

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """As Backend.batches. Closing the generator, or Ctrl-C in it, cancels what is under way.

        Errors: LanguageModelError where the server cannot be reached, or refuses key or model, before its first good answer.
        """
        with self._starting:
            loop = self._loop = self._loop or EventLoop()
        pool = _Pool(self)
        under_way = 0
        try:
            loop.call(pool.open())
            for request in requests:
                if request is not None:
                    loop.soon(pool.start, request)
                    under_way += 1
                ready = pool.take(wait=under_way >= self._section.concurrency)
                under_way -= len(ready)
                if ready or request is None:
                    yield ready
            while under_way:
                ready = pool.take(wait=True)
                under_way -= len(ready)
                yield ready
        finally:
            with contextlib.suppress(TimeoutError):
                loop.call(pool.close(), CLOSE_SECONDS)

    async def answer(self, session: "aiohttp.ClientSession", request: Request) -> Completion:
        """One request with its retries: jittered exponential backoff, never shorter than the server's Retry-After."""
        for attempt in range(self._section.retries + 1):
            outcome = await self._try(session, request)
            if not outcome.retry or attempt == self._section.retries:
                break
            pause = min(self._backoff * 2.0**attempt, MAX_PAUSE_SECONDS) * random.uniform(0.5, 1.5)
            await asyncio.sleep(max(pause, outcome.after))
        return outcome.completion

    async def _try(self, session: "aiohttp.ClientSession", request: Request) -> Attempt:
        import aiohttp

        started = time.monotonic()
        payload = json.dumps(chat_api.body(request, self.model), ensure_ascii=True, separators=(",", ":")).encode()
        try:
            async with session.post(f"{self.endpoint}/chat/completions", data=payload, allow_redirects=False) as response:
                raw = await self._read(response)
                return self._outcome(response.status, response.headers.get("Retry-After"), raw, time.monotonic() - started)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            if not self._worked:
                raise self._absent(error) from None
            return Attempt(self._failed(CompletionFailure.TRANSPORT, str(error), time.monotonic() - started), retry=True)
        except TimeoutError:
            detail = f"no answer within {self._section.timeout_seconds:g} s"
            return Attempt(self._failed(CompletionFailure.TIMEOUT, detail, time.monotonic() - started), retry=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: aiohttp's own parsers on a malformed status line, header or chunk.
            detail = f"{type(error).__name__}: {error}"
            return Attempt(self._failed(CompletionFailure.TRANSPORT, detail, time.monotonic() - started), retry=True)

    async def _read(self, response: "aiohttp.ClientResponse") -> bytes | None:
        """Body of a reply with the key blotted out; None past the cap."""
        raw = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            raw += chunk
            if len(raw) > chat_api.MAX_REPLY_BYTES:
                response.close()
                return None
        return bytes(raw).replace(self._key.encode(), b"***") if self._key else bytes(raw)

    def _outcome(self, status: int, header: str | None, raw: bytes | None, seconds: float) -> Attempt:
        if raw is None:
            return Attempt(self._failed(CompletionFailure.TRANSPORT, f"the reply is larger than {chat_api.MAX_REPLY_BYTES} bytes", seconds))
        if status == 200:
            completion = chat_api.read_reply(raw, seconds)
            self._worked = self._worked or completion.failure is not CompletionFailure.TRANSPORT
            return Attempt(completion, retry=completion.failure is CompletionFailure.TRANSPORT)
        detail = f"HTTP {status}: {raw[:400].decode('utf-8', 'replace')}"
        if status in (401, 404) and not self._worked:
            raise self._refused(status, detail)
        again = status in (408, 429) or status >= 500
        theirs = 400 <= status < 500 and not again and status not in _ABOUT_THE_SERVER
        failure = CompletionFailure.BAD_REQUEST if theirs else CompletionFailure.TRANSPORT
        return Attempt(self._failed(failure, detail, seconds), again, retry_after(header, time.time()))

    def _failed(self, failure: CompletionFailure, detail: str, seconds: float) -> Completion:
        return chat_api.failed(failure, detail, seconds=seconds)

    def headers(self) -> dict[str, str]:
        """Headers of every request. Uncompressed replies only, so that the cap on bytes is one."""
        common = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        return {**common, "Authorization": f"Bearer {self._key}"} if self._key else common

    @property
    def section(self) -> llm.OpenAICompatible:
        """The settings this backend was made from."""
        return self._section

    def _absent(self, error: Exception) -> LanguageModelError:
        return LanguageModelError(
            f"no server answers at {self.endpoint} ({printable(str(error))})",
            expected="an OpenAI-compatible server at base_url",
            fix="start the server, or mend base_url",
        )

    def _refused(self, status: int, detail: str) -> LanguageModelError:
        shown = printable(chat_api.whole(detail))
        if status == 401:
            return LanguageModelError(
                f"{self.endpoint} refuses the key ({shown})",
                expected=f"a valid key in the environment variable {self._section.api_key_env}",
                fix=f"export {self._section.api_key_env}=...",
            )
        return LanguageModelError(
            f"{self.endpoint} does not serve the model {self.model!r} ({shown})",
            expected="a base_url that ends before /chat/completions, and a model that it serves",
            fix=f"compare with GET {self.endpoint}/models",
        )


class _Pool:
    """The tasks of one call of `batches`; all but `take` runs in the event loop."""

    def __init__(self, backend: OpenAICompatibleModel) -> None:
        self._backend = backend
        self._results: Results = queue.SimpleQueue()
        self._tasks: set[asyncio.Task[Completion]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the connections' session."""
        import aiohttp

        section = self._backend.section
        self._session = aiohttp.ClientSession(
            headers=self._backend.headers(),
            timeout=aiohttp.ClientTimeout(total=section.timeout_seconds, sock_connect=min(CONNECT_SECONDS, section.timeout_seconds)),
            connector=aiohttp.TCPConnector(limit=section.concurrency),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    def start(self, request: Request) -> None:
        """Send one request; its outcome goes to the results."""
        if self._session is None:
            return
        task = asyncio.ensure_future(self._backend.answer(self._session, request))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finished(request.request_id, done))

    def _finished(self, request_id: str, task: "asyncio.Task[Completion]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            error = task.exception()
            self._results.put(error if error is not None else (request_id, task.result()))

    def take(self, *, wait: bool) -> Ready:
        """All results that are there; with wait, at least one. Errors: whatever a task raised."""
        ready: Ready = []
        with contextlib.suppress(queue.Empty):
            while True:
                result = self._results.get(block=wait and not ready)
                if isinstance(result, BaseException):
                    raise result
                ready.append(result)
        return ready

    async def close(self) -> None:
        """Cancel what is under way and close the connections."""
        tasks, session, self._session = list(self._tasks), self._session, None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if session is not None:
            await session.close()
