"""Any servers that speak POST /v1/chat/completions, over aiohttp: a bounded window, retries, answers as they complete.

A failed request is a value. Only servers that cannot work at all (absent, no key, no such model) are an error, and only before a first good
answer: after that an outage is waited for, and a request is not blamed for it. Design: docs/adr/0009-http-client.md.
"""

import asyncio
import contextlib
import json
import queue
import random
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count

from rubric_factory.errors import LanguageModelError
from rubric_factory.llm import chat_api
from rubric_factory.llm.chat_http import MAX_PAUSE_SECONDS, Attempt, Wire
from rubric_factory.llm.endpoints import Endpoint, Fleet
from rubric_factory.llm.event_loop import EventLoop
from rubric_factory.llm.limits import Clock
from rubric_factory.llm.protocol import Backend, Completion, CompletionFailure, Ready, Request
from rubric_factory.settings import llm
from rubric_factory.text import printable

CLOSE_SECONDS = 10.0
# Beyond the window, one request in so many waits in the loop, unsent: a place is taken as soon as its answer is committed.
RESERVE_SHARE = 8
# Answers are gathered, for so long and never more than the reserve: one commit for all. Their places stay empty meanwhile, so not longer.
GATHER_SECONDS = 0.01
# Characters of a request's body per token, for the limit per minute until the server has counted.
_CHARACTERS_PER_TOKEN = 4

# What tasks leave for the caller's thread: answers, or an error that ends the call.
Results = queue.SimpleQueue[Ready | BaseException]


class OpenAICompatibleModel(Backend):
    """See the module. backoff_seconds: mean pause before the first retry; it doubles with each. clock: all pauses and limits run on it."""

    def __init__(self, section: llm.OpenAICompatible, *, backoff_seconds: float = 1.0, clock: Clock | None = None) -> None:
        super().__init__(section.model, section.revision, ", ".join(server.url for server in section.servers))
        self._section = section
        self._backoff, self._clock = backoff_seconds, clock or Clock()
        self._fleet = Fleet(section, self._clock, backoff_seconds, self._look)
        self._loop: EventLoop | None = None
        self._starting = threading.Lock()
        self._replies = self._reply_tokens = 0

    @property
    def section(self) -> llm.OpenAICompatible:
        """The settings this backend was made from."""
        return self._section

    @property
    def fleet(self) -> Fleet:
        """The servers, as they fare."""
        return self._fleet

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """As Backend.batches. Closing the generator, or Ctrl-C in it, cancels what is under way.

        A place is taken from a request's first try until the caller, who has committed its answer, asks for the next batch. So a kill
        costs at most `concurrency` requests, summed over the servers.

        Errors: LanguageModelError where no server can be reached, or one refuses key or model, before a first good answer; and where all
        have been silent for outage_seconds.
        """
        with self._starting:
            loop = self._loop = self._loop or EventLoop()
        pool = _Pool(self, loop)
        under_way, window = 0, self._fleet.ceiling
        window += pool.reserve
        try:
            loop.call(pool.open())
            for request in requests:
                if request is not None:
                    pool.send(request)
                    under_way += 1
                ready = pool.take(wait=under_way >= window)
                under_way -= len(ready)
                if ready or request is None:
                    yield ready
                    pool.committed(len(ready))
            while under_way:
                ready = pool.take(wait=True)
                under_way -= len(ready)
                yield ready
                pool.committed(len(ready))
        finally:
            with contextlib.suppress(TimeoutError):
                loop.call(pool.close(), CLOSE_SECONDS)

    async def answer(self, wires: dict[str, Wire], request: Request) -> Completion:
        """One request with its retries: jittered exponential backoff, and no server before its Retry-After is over.

        Not counted as tries: what no model saw because its server was gone, and 429 while others are answered.
        """
        payload = json.dumps(chat_api.body(request, self.model, schema=self._section.response_format), separators=(",", ":")).encode()
        failures, paid, failed_at, replies = 0, 1, set[Endpoint](), self._replies
        for tries in count(1):
            tokens = len(payload) // _CHARACTERS_PER_TOKEN + self._expected_reply(request)
            endpoint = await self._fleet.acquire(tokens, failed_at)
            try:
                attempt = await self._try(wires[endpoint.url], endpoint, payload, tokens)
            finally:
                self._fleet.release(endpoint)
            if not attempt.retry:
                break
            failed_at.add(endpoint)
            if attempt.status == 429:
                failures, replies = failures + (self._replies == replies), self._replies
            else:
                there = await self._fleet.failed(endpoint, unreached=attempt.unreached)
                failures += there or not attempt.unreached
            if failures > self._section.retries or (attempt.may_be_paid and self.capped):
                break
            pause = min(self._backoff * 2.0 ** min(tries, 16), MAX_PAUSE_SECONDS) * random.uniform(0.25, 0.75)
            await self._clock.sleep(pause)
            paid += attempt.may_be_paid
        return replace(attempt.completion, tries=paid)

    async def _try(self, wire: Wire, endpoint: Endpoint, payload: bytes, tokens: int) -> Attempt:
        """One try, and what it says of its endpoint. Errors: LanguageModelError for a refused key or model."""
        sent = self._clock.now()
        attempt = await wire.post(payload)
        completion, now = attempt.completion, self._clock.now()
        if attempt.status in (401, 404) and not endpoint.good:
            raise self._refused(endpoint, attempt.status, completion.detail)
        if attempt.status == 429:
            endpoint.window.throttled(sent, now)
        elif attempt.status == 200 or completion.failure is CompletionFailure.TIMEOUT:
            endpoint.window.answered(completion.seconds, sent, now)
        endpoint.not_before = max(endpoint.not_before, now + attempt.after)
        if attempt.status == 200 and not attempt.retry:
            self._fleet.worked(endpoint)
            self._replies += 1
            self._reply_tokens += completion.completion_tokens
        used = completion.prompt_tokens + completion.completion_tokens
        endpoint.correct(used - tokens if used else 0, now)
        return attempt

    def _expected_reply(self, request: Request) -> int:
        """Tokens of a reply, before there is one: the mean so far."""
        return self._reply_tokens // self._replies if self._replies else request.max_tokens

    async def _look(self, endpoint: Endpoint) -> str:
        wire = Wire(endpoint, self._section)
        try:
            return await wire.look()
        finally:
            await wire.close()

    def _refused(self, endpoint: Endpoint, status: int, detail: str) -> LanguageModelError:
        shown = printable(detail)
        if status == 401:
            return LanguageModelError(
                f"{endpoint.url} refuses the key ({shown})",
                expected=f"a valid key in the environment variable {endpoint.key_variable}",
                fix=f"export {endpoint.key_variable}=...",
            )
        return LanguageModelError(
            f"{endpoint.url} does not serve the model {self.model!r} ({shown})",
            expected="a base_url that ends before /chat/completions, and a model that it serves",
            fix=f"compare with GET {endpoint.url}/models",
        )


class _Pool:
    """The tasks of one call of `batches`. `send`, `take` and `committed` are the caller's, everything else runs in the event loop.

    Requests whose answers are not committed never outnumber the fleet's ceiling: what is more waits unsent.
    """

    def __init__(self, backend: OpenAICompatibleModel, loop: EventLoop) -> None:
        self._backend, self._loop = backend, loop
        self._free = backend.fleet.ceiling
        self.reserve = self._free // RESERVE_SHARE
        self._unsent: deque[Request] = deque()
        self._called = False
        self._gathered: Ready = []
        self._timer: asyncio.TimerHandle | None = None
        self._results: Results = queue.SimpleQueue()
        self._tasks: set[asyncio.Task[Completion]] = set()
        self._wires: dict[str, Wire] = {}

    async def open(self) -> None:
        """Open the connections."""
        self._backend.fleet.open()
        self._wires = {endpoint.url: Wire(endpoint, self._backend.section) for endpoint in self._backend.fleet.endpoints}

    def send(self, request: Request) -> None:
        """Send one request; its outcome goes to the results. The loop is called once for all that are sent before it comes."""
        self._unsent.append(request)
        if not self._called:
            self._called = True
            self._loop.soon(self._start)

    def committed(self, answers: int) -> None:
        """So many answers are durable: their places may be taken."""
        if answers:
            self._loop.soon(self._start, answers)

    def _start(self, places: int = 0) -> None:
        """Send what there are places for. places: that have become free."""
        if not places:
            self._called = False
        self._free += places
        while self._unsent and self._free and self._wires:
            request = self._unsent.popleft()
            self._free -= 1
            task = asyncio.ensure_future(self._backend.answer(self._wires, request))
            self._tasks.add(task)
            task.add_done_callback(partial(self._finished, request.request_id))

    def _finished(self, request_id: str, task: "asyncio.Task[Completion]") -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._results.put(error)
            return
        self._gathered.append((request_id, task.result()))
        if len(self._gathered) >= self.reserve or not self._tasks:
            self._hand_over()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._hand_over)

    def _hand_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._gathered:
            self._results.put(self._gathered)
            self._gathered = []

    def take(self, *, wait: bool) -> Ready:
        """All answers that are there; with wait, at least one. Errors: whatever a task raised."""
        ready: Ready = []
        with contextlib.suppress(queue.Empty):
            while True:
                result = self._results.get(block=wait and not ready)
                if isinstance(result, BaseException):
                    raise result
                ready += result
        return ready

    async def close(self) -> None:
        """Cancel what is under way and close the connections."""
        if not self._wires:
            return
        tasks, wires, self._wires = list(self._tasks), self._wires, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        self._backend.fleet.close()
        for wire in wires.values():
            await wire.close()
