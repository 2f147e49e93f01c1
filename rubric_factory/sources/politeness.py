"""How fast a host is asked: a slot per request, so many at once, so many seconds apart, and a pause where the server wants one."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from yarl import URL

from rubric_factory.settings.network import NetworkSettings


@dataclass
class _Host:
    places: asyncio.Semaphore
    gate: asyncio.Lock
    seconds: float
    next_at: float = 0.0


class Hosts:
    """Slots of all hosts of one run; usable inside one event loop."""

    def __init__(self, network: NetworkSettings) -> None:
        self._network = network
        self._all = asyncio.Semaphore(network.concurrency)
        self._hosts: dict[str, _Host] = {}

    @contextlib.asynccontextmanager
    async def slot(self, url: URL) -> AsyncIterator[None]:
        """Hold a place for one request; waits for the host's turn first."""
        host = self._of(url)
        async with host.places:
            async with host.gate:
                await asyncio.sleep(max(0.0, host.next_at - time.monotonic()))
                host.next_at = time.monotonic() + host.seconds
            async with self._all:
                yield

    def slow(self, url: URL, seconds: float) -> None:
        """Seconds between two requests to this host, if they are more than so far: what its robots.txt asks for."""
        host = self._of(url)
        host.seconds = max(host.seconds, seconds)
        host.next_at = max(host.next_at, time.monotonic() + seconds)

    def pause(self, url: URL, seconds: float) -> None:
        """No request to this host for so long."""
        host = self._of(url)
        host.next_at = max(host.next_at, time.monotonic() + seconds)

    def _of(self, url: URL) -> _Host:
        name = url.raw_host or ""
        if name not in self._hosts:
            places = asyncio.Semaphore(self._network.host_concurrency)
            self._hosts[name] = _Host(places, asyncio.Lock(), self._network.host_seconds)
        return self._hosts[name]
