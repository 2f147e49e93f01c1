"""One document over HTTP: every hop checked, redirects by hand, retries with patience, bytes under a cap (docs/adr/0007)."""

import asyncio
import contextlib
import email.utils
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from types import TracebackType
from typing import Protocol

import aiohttp
from yarl import URL

from rubric_factory.settings.network import NetworkSettings
from rubric_factory.sources.addresses import AddressPolicy
from rubric_factory.sources.failed import Failed
from rubric_factory.sources.http_body import receive
from rubric_factory.sources.politeness import Hosts
from rubric_factory.sources.resolver import Lookup, PinnedResolver, RefusedAddress, socket_factory, system_lookup
from rubric_factory.sources.robots import Robots
from rubric_factory.sources.urls import BadUrl, literal, parse
from rubric_factory.text import printable

AGENT = "rubric-factory"
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_BUSY = frozenset((408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524))
_FIRST_WAIT = 1.0


class Sink(Protocol):
    """Where a body goes. reset: forget what was written; another try begins."""

    def write(self, data: bytes, /) -> object:
        """Take a piece."""

    def reset(self) -> None:
        """Begin anew."""


class Buffer(bytearray):
    """A body in memory."""

    def write(self, data: bytes, /) -> None:
        """Take a piece."""
        self.extend(data)

    def reset(self) -> None:
        """Begin anew."""
        self.clear()


@dataclass(frozen=True, slots=True)
class Validators:
    """What the last answer of a URL left: sent only where it was said, so a redirect elsewhere is never taken for it."""

    url: str
    etag: str = ""
    last_modified: str = ""

    def headers(self, url: URL) -> dict[str, str]:
        """Headers of a conditional request for url."""
        if str(url) != self.url:
            return {}
        pairs = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status 200 (the body is in the sink) or 304. url: where it was found, after redirects."""

    status: int
    url: str
    media_type: str = ""
    etag: str = ""
    last_modified: str = ""
    headers: Mapping[str, str] | None = None


def user_agent(contact: str) -> str:
    """Product token, version, and whom to write to."""
    try:
        version = metadata.version("rubric-factory")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"{AGENT}/{version}" + (f" (+{contact})" if contact else "")


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds a Retry-After header asks for (a number or a date); None where it says nothing usable."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    return None


class Fetcher:
    """Asks servers, inside one event loop: `async with Fetcher(...) as fetcher`. first_wait: seconds before the first retry."""

    def __init__(self, network: NetworkSettings, *, lookup: Lookup = system_lookup, first_wait: float = _FIRST_WAIT) -> None:
        self._network, self._first_wait = network, first_wait
        self._policy = AddressPolicy.of(network.allow_addresses)
        self._hosts = Hosts(network)
        self._robots = Robots(AGENT, self._read_robots, self._hosts.slow, network.max_wait_seconds)
        reached = AddressPolicy(everything=True) if network.proxy else self._policy
        self._connector = aiohttp.TCPConnector(
            limit=0, resolver=PinnedResolver(reached, lookup), socket_factory=socket_factory(reached), ttl_dns_cache=60
        )
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=network.timeout_seconds),
            headers={"User-Agent": user_agent(network.contact), "Accept-Encoding": "gzip"},
            trust_env=False,
        )

    async def __aenter__(self) -> "Fetcher":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def fetch(
        self, url: str, sink: Sink, *, max_bytes: int, known: Validators | None = None, accept: str = "*/*", robots: bool = True
    ) -> Answer:
        """Ask for a URL; its body goes to sink. robots: obey robots.txt (off only for a documented interface).

        Errors: Failed, with every retry behind it.
        """
        for attempt in range(self._network.retries + 1):
            sink.reset()
            try:
                return await self._follow(_parsed(url), sink, max_bytes, known, accept, robots)
            except Failed as failed:
                wait = failed.wait if failed.wait is not None else self._first_wait * 2**attempt * random.uniform(0.5, 1.0)
                last = failed.tried or attempt == self._network.retries
                if not failed.transient or last or wait > self._network.max_wait_seconds:
                    raise
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _follow(self, url: URL, sink: Sink, max_bytes: int, known: Validators | None, accept: str, robots: bool) -> Answer:
        """Hops of one try."""
        for _ in range(self._network.max_redirects + 1):
            self._check(url)
            if robots:
                await self._robots.check(url)
            headers = {"Accept": accept, **(known.headers(url) if known else {})}
            found = await self._hop(url, headers, sink, max_bytes)
            if isinstance(found, Answer):
                return found
            url = _redirected(url, found)
        raise Failed("too_many_redirects", f"more than {self._network.max_redirects} redirects")

    def _check(self, url: URL) -> None:
        """An address written out is judged here; names are judged by what they resolve to."""
        host = url.raw_host or ""
        if literal(host) and not self._policy.permits(host):
            raise Failed("non_global_address", f"{host} is not a public address")

    async def _hop(self, url: URL, headers: dict[str, str], sink: Sink, max_bytes: int) -> Answer | str:
        """One request: the answer, or where it is redirected to."""
        async with self._hosts.slot(url):
            with _client_errors():
                async with self._session.get(url, headers=headers, allow_redirects=False, proxy=self._network.proxy) as response:
                    if response.status in _REDIRECTS and "Location" in response.headers:
                        return response.headers["Location"]
                    if response.status in _BUSY:
                        wait = retry_after(response.headers.get("Retry-After"), time.time())
                        if wait is not None and wait <= self._network.max_wait_seconds:
                            self._hosts.pause(url, wait)
                        raise Failed("server_busy", f"HTTP {response.status}", transient=True, wait=wait)
                    if response.status not in (200, 304):
                        raise Failed("http_status", f"HTTP {response.status}")
                    if response.status == 200:
                        await receive(response, sink.write, max_bytes)
                    return _answer(url, response)

    async def _read_robots(self, url: URL, max_bytes: int) -> bytes:
        body = Buffer()
        await self.fetch(str(url), body, max_bytes=max_bytes, robots=False)
        return bytes(body)


def _answer(url: URL, response: aiohttp.ClientResponse) -> Answer:
    get: Callable[[str, str], str] = response.headers.get
    return Answer(
        status=response.status,
        url=str(url),
        media_type=printable(get("Content-Type", ""), 100),
        etag=_sendable(get("ETag", "")),
        last_modified=_sendable(get("Last-Modified", "")),
        headers=response.headers,
    )


def _sendable(value: str) -> str:
    """A validator that can be sent back as it came; '' for one that cannot."""
    return value if value.isascii() and value.isprintable() and len(value) <= 500 else ""


def _parsed(text: str, base: URL | None = None) -> URL:
    try:
        return parse(text, base)
    except BadUrl as error:
        raise Failed("bad_url", str(error)) from None


def _redirected(url: URL, location: str) -> URL:
    """Where a redirect leads: http may become https, nothing else may change. Errors: Failed."""
    try:
        target = parse(location, url)
    except BadUrl as error:
        raise Failed("redirect_refused", f"to {printable(location, 120)}: {error}") from None
    if target.scheme != url.scheme and target.scheme != "https":
        raise Failed("redirect_refused", f"from {url.scheme} to {target.scheme}")
    return target


@contextlib.contextmanager
def _client_errors() -> Iterator[None]:
    """What the client raises, as Failed."""
    try:
        yield
    except TimeoutError:
        raise Failed("timeout", "no whole answer in time", transient=True, answered=False) from None
    except aiohttp.ClientSSLError as error:
        raise Failed("certificate", printable(str(error))) from None
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, RefusedAddress):
            raise Failed("non_global_address", str(error.os_error)) from None
        reason = "host_unknown" if isinstance(error, aiohttp.ClientConnectorDNSError) else "transport"
        raise Failed(reason, printable(str(error)), transient=True, answered=False) from None
    except aiohttp.InvalidURL as error:
        raise Failed("bad_url", printable(str(error))) from None
    except (aiohttp.ClientError, OSError) as error:
        raise Failed("transport", printable(f"{type(error).__name__}: {error}"), transient=True, answered=False) from None
