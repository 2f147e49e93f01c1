"""The servers of one model: who takes the next request, who is set aside, who answers again. Everything here runs in the event loop.

A server is set aside when it cannot be reached, and asked (GET /models) until it answers; work moves to the others. With no server
left the requests wait: an outage is nobody's failure. A server that answers but fails request after request rests while there are others.
"""

import asyncio
import contextlib
import logging
import os
import random
from collections import deque
from collections.abc import Awaitable, Callable, Collection

from rubric_factory.errors import LanguageModelError
from rubric_factory.llm.limits import Bucket, Clock, Window
from rubric_factory.progress import duration
from rubric_factory.settings import llm
from rubric_factory.text import printable

# Failures in a row, of whatever requests, that make a server suspect.
SUSPICIOUS = 8
# Longest pause between two looks at a server that does not answer.
MAX_LOOK_SECONDS = 30.0
# Answers that take more than this share of timeout_seconds, in the mean, shrink the window: what times out was paid for nothing.
SLOW_SHARE = 0.5

_log = logging.getLogger("rubric_factory.llm")


class Endpoint:
    """One server: its address, its key (in memory only), and how it fares."""

    def __init__(self, settings: llm.Endpoint, section: llm.OpenAICompatible, now: float) -> None:
        self.url = settings.url
        self.key_variable = settings.api_key_env or section.api_key_env
        self.key = os.environ.get(self.key_variable, "").strip()
        self.window = Window(max(1, round(section.concurrency * settings.weight)), SLOW_SHARE * section.timeout_seconds)
        limits = (section.requests_per_minute, section.tokens_per_minute)
        self._requests, self._tokens = (None if limit is None else Bucket(limit * settings.weight, now) for limit in limits)
        self.under_way = 0
        self.good = 0  # usable answers so far
        self.failing = 0  # failures since the last one
        self.aside = self.trial = False
        self.pause = 0.0  # before the last look
        self.not_before = now
        self.look: asyncio.Task[str] | None = None

    @property
    def room(self) -> bool:
        """Whether another request may be under way; after a rest one alone, until it is answered."""
        return not self.aside and self.under_way < (1 if self.trial else self.window.limit)

    def wait(self, tokens: int, now: float) -> float:
        """Seconds until its limits per minute, and its last Retry-After, allow a request of so many tokens."""
        seconds = self.not_before - now
        if self._requests is not None:
            seconds = max(seconds, self._requests.wait(1, now))
        if self._tokens is not None:
            seconds = max(seconds, self._tokens.wait(tokens, now))
        return seconds

    def take(self, tokens: int, now: float) -> None:
        """Count a request as under way."""
        self.under_way += 1
        if self._requests is not None:
            self._requests.spend(1, now)
        self.correct(tokens, now)

    def correct(self, tokens: int, now: float) -> None:
        """Spend so many tokens more than thought; fewer, where negative."""
        if self._tokens is not None and tokens:
            self._tokens.spend(tokens, now)


class Fleet:
    """All endpoints of a section. look: asks one for a sign of life: '' or why there is none. pause: before the first look, mean."""

    def __init__(self, section: llm.OpenAICompatible, clock: Clock, pause: float, look: Callable[[Endpoint], Awaitable[str]]) -> None:
        self._clock, self._pause, self._look = clock, pause, look
        self._outage_seconds = section.outage_seconds
        self.endpoints = [Endpoint(server, section, clock.now()) for server in section.servers]
        self._waiting: deque[tuple[asyncio.Future[Endpoint], int, Collection[Endpoint]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._watches: set[asyncio.Task[None]] = set()
        self._users = 0
        self._silent_since: float | None = None

    @property
    def ceiling(self) -> int:
        """Requests that may ever be under way at once."""
        return sum(endpoint.window.ceiling for endpoint in self.endpoints)

    def open(self) -> None:
        """One more call makes use of the fleet; who was set aside is looked after again."""
        self._users += 1
        if self._users == 1:
            self._silent_since = self._clock.now() if all(endpoint.aside for endpoint in self.endpoints) else None
            for endpoint in self.endpoints:
                if endpoint.aside:
                    self._watch(endpoint)

    def close(self) -> None:
        """The opposite of open."""
        self._users -= 1
        if not self._users:
            for task in self._watches:
                task.cancel()

    async def acquire(self, tokens: int, avoid: Collection[Endpoint]) -> Endpoint:
        """A place at the endpoint with the most room, if possible none of `avoid`; waits for one. Give it back with release.

        Errors: LanguageModelError where no endpoint ever answered, or none for outage_seconds.
        """
        if not self._waiting and (endpoint := self._free(tokens, avoid)) is not None:
            return endpoint
        future: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, tokens, avoid))
        self._serve()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.release(future.result())
            raise

    def release(self, endpoint: Endpoint) -> None:
        """Give a place back."""
        endpoint.under_way -= 1
        if self._waiting:
            self._serve()

    def worked(self, endpoint: Endpoint) -> None:
        """The endpoint gave a usable answer."""
        endpoint.good += 1
        endpoint.failing, endpoint.trial, endpoint.pause = 0, False, 0.0

    async def failed(self, endpoint: Endpoint, *, unreached: bool) -> bool:
        """The endpoint failed a request (unreached: before the model saw it). Returns whether the endpoint is there.

        Errors: LanguageModelError where no endpoint is, or ever was.
        """
        endpoint.failing += 1
        if not endpoint.aside and (unreached or endpoint.trial or endpoint.failing % SUSPICIOUS == 0):
            if endpoint.look is None:
                endpoint.look = asyncio.ensure_future(self._examine(endpoint))
            await asyncio.shield(endpoint.look)
        return not endpoint.aside or endpoint.trial

    async def _examine(self, endpoint: Endpoint) -> str:
        try:
            fault = await self._look(endpoint)
            resting = not fault and endpoint.failing >= SUSPICIOUS and any(e is not endpoint and not e.aside for e in self.endpoints)
            if (fault or resting) and not endpoint.aside:
                self._set_aside(endpoint, fault or f"{endpoint.failing} failures in a row", trial=resting)
            return fault
        finally:
            endpoint.look = None

    def _free(self, tokens: int, avoid: Collection[Endpoint]) -> Endpoint | None:
        """Take a place, if there is one now."""
        now = self._clock.now()
        free = [endpoint for endpoint in self.endpoints if endpoint.room and endpoint.wait(tokens, now) <= 0]
        if not free:
            return None
        chosen = free[0]
        if len(free) > 1:
            free = [endpoint for endpoint in free if endpoint not in avoid] or free
            chosen = min(free, key=lambda endpoint: endpoint.under_way / endpoint.window.limit)
        chosen.take(tokens, now)
        return chosen

    def _serve(self) -> None:
        """Hand places to those who wait longest; come again when a limit or a Retry-After allows more."""
        while self._waiting:
            future, tokens, avoid = self._waiting[0]
            if not future.done():
                endpoint = self._free(tokens, avoid)
                if endpoint is None:
                    break
                future.set_result(endpoint)
            self._waiting.popleft()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            now, tokens = self._clock.now(), self._waiting[0][1]
            waits = [endpoint.wait(tokens, now) for endpoint in self.endpoints if endpoint.room]
            if waits:
                self._timer = asyncio.get_running_loop().call_later(max(min(waits), 0.0) / self._clock.scale, self._serve)

    def _set_aside(self, endpoint: Endpoint, fault: str, *, trial: bool) -> None:
        others = sum(e is not endpoint and not e.aside for e in self.endpoints)
        if not others and not any(e.good for e in self.endpoints):
            raise self._absent(endpoint, fault)
        endpoint.aside, endpoint.trial = True, trial
        if not others and self._silent_since is None:
            self._silent_since = self._clock.now()
        rest = f"{others} others go on" if others else f"paused, for {duration(self._outage_seconds)} at most; Ctrl-C loses nothing"
        _log.warning("%s is set aside (%s): %s", endpoint.url, printable(fault), rest)
        self._watch(endpoint)

    def _watch(self, endpoint: Endpoint) -> None:
        task = asyncio.ensure_future(self._watching(endpoint))
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    async def _watching(self, endpoint: Endpoint) -> None:
        """Look at an endpoint until it answers. Ends all that wait where no endpoint has answered for outage_seconds."""
        started = self._clock.now()
        while True:
            endpoint.pause = min(max(2.0 * endpoint.pause, self._pause), MAX_LOOK_SECONDS)
            await self._clock.sleep(endpoint.pause * random.uniform(0.5, 1.5))
            fault = await self._look(endpoint)
            if not fault:
                break
            silent = 0.0 if self._silent_since is None else self._clock.now() - self._silent_since
            if silent > self._outage_seconds:
                self._end(self._silent(endpoint, fault, silent))
        endpoint.aside, self._silent_since = False, None
        _log.warning("%s answers again after %s", endpoint.url, duration(self._clock.now() - started))
        self._serve()

    def _end(self, error: LanguageModelError) -> None:
        """Let everybody who waits fail; who comes next waits anew."""
        while self._waiting:
            future = self._waiting.popleft()[0]
            if not future.done():
                with contextlib.suppress(asyncio.InvalidStateError):
                    future.set_exception(error)

    def _absent(self, endpoint: Endpoint, fault: str) -> LanguageModelError:
        return LanguageModelError(
            f"no server answers at {endpoint.url} ({printable(fault)})",
            expected="an OpenAI-compatible server at base_url",
            fix="start the server, or mend base_url",
        )

    def _silent(self, endpoint: Endpoint, fault: str, seconds: float) -> LanguageModelError:
        return LanguageModelError(
            f"{endpoint.url} has not answered for {duration(seconds)} ({printable(fault)})",
            expected=f"a server that is back within outage_seconds = {self._outage_seconds:g}",
            fix="start it, then run again: what was answered is kept",
        )
