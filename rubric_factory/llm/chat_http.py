"""One try of one request over aiohttp, and one look at whether a server is there: whatever happens on the wire is a value."""

import ipaddress
import time
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rubric_factory.llm import chat_api
from rubric_factory.llm.endpoints import Endpoint
from rubric_factory.llm.protocol import Completion, CompletionFailure
from rubric_factory.settings import llm

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 30.0
LOOK_SECONDS = 10.0
MAX_PAUSE_SECONDS = 60.0
_CHUNK_BYTES = 65536
# Of the 4xx these speak of key, address and proxy: another server may do better. The others refuse the request itself.
_ABOUT_THE_SERVER = frozenset({401, 404, 405, 407})
# What a proxy says when there is no server behind it.
_NO_SERVER = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Attempt:
    """Outcome of one try. retry: another may go better; after: seconds the server asked to wait, at least.

    status: of HTTP, 0 where there was none. unreached: no model saw the request.
    """

    completion: Completion
    retry: bool = False
    after: float = 0.0
    status: int = 0
    unreached: bool = False

    @property
    def may_be_paid(self) -> bool:
        """Whether a model may have worked on it: no answer in time, a cut one, or one that cannot be read; not an error of HTTP."""
        return self.status in (0, 200) and not self.unreached


def retry_after(value: str | None, now: float) -> float:
    """Seconds a Retry-After header asks for (number or HTTP date), in [0, MAX_PAUSE_SECONDS]; 0 if unreadable. now: since 1970."""
    if not value:
        return 0.0
    try:
        seconds = float(value) if value.replace(".", "", 1).isdecimal() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_PAUSE_SECONDS)


def proxy_of(url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name for an address; none for this machine's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        own = ipaddress.ip_address(host).is_loopback
    except ValueError:
        own = host == "localhost"
    return None if own or urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(parts.scheme)


class Wire:
    """Connections to one endpoint. Made and closed in the event loop."""

    def __init__(self, endpoint: Endpoint, section: llm.OpenAICompatible) -> None:
        import aiohttp

        self._endpoint, self._timeout_seconds = endpoint, section.timeout_seconds
        self._url, self._proxy = f"{endpoint.url}/chat/completions", proxy_of(endpoint.url)
        # Uncompressed replies only, so that the cap on bytes is one.
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        self._session = aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=section.timeout_seconds, sock_connect=min(CONNECT_SECONDS, section.timeout_seconds)),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def look(self) -> str:
        """Whether the server is there: '' where it answers GET /models with anything but a server's error, else why not."""
        import aiohttp

        limit = aiohttp.ClientTimeout(total=min(LOOK_SECONDS, self._timeout_seconds))
        try:
            async with self._session.get(
                f"{self._endpoint.url}/models", timeout=limit, allow_redirects=False, proxy=self._proxy
            ) as response:
                return f"HTTP {response.status}" if response.status >= 500 else ""
        except TimeoutError:
            return f"no answer within {limit.total:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"

    async def post(self, payload: bytes) -> Attempt:
        """Send one body of POST /chat/completions."""
        import aiohttp

        started = time.monotonic()
        try:
            async with self._session.post(self._url, data=payload, allow_redirects=False, proxy=self._proxy) as response:
                raw = await self._read(response)
                seconds = time.monotonic() - started
                return _outcome(response.status, response.headers.get("Retry-After"), raw, seconds, self._endpoint.url)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Attempt(self._failed(CompletionFailure.TRANSPORT, str(error), started), retry=True, unreached=True)
        except TimeoutError:
            detail = f"no answer within {self._timeout_seconds:g} s"
            return Attempt(self._failed(CompletionFailure.TIMEOUT, detail, started), retry=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: aiohttp's own parsers on a malformed status line, header or chunk.
            detail = f"{type(error).__name__}: {error}"
            return Attempt(self._failed(CompletionFailure.TRANSPORT, detail, started), retry=True)

    def _failed(self, failure: CompletionFailure, detail: str, started: float) -> Completion:
        return chat_api.failed(failure, detail, seconds=time.monotonic() - started, endpoint=self._endpoint.url)

    async def _read(self, response: "aiohttp.ClientResponse") -> bytes | None:
        """Body of a reply with the key blotted out; None past the cap."""
        raw = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            raw += chunk
            if len(raw) > chat_api.MAX_REPLY_BYTES:
                response.close()
                return None
        key = self._endpoint.key
        return bytes(raw).replace(key.encode(), b"***") if key else bytes(raw)


def _outcome(status: int, header: str | None, raw: bytes | None, seconds: float, url: str) -> Attempt:
    if raw is None:
        detail = f"the reply is larger than {chat_api.MAX_REPLY_BYTES} bytes"
        return Attempt(chat_api.failed(CompletionFailure.TRANSPORT, detail, seconds=seconds, endpoint=url), status=status)
    if status == 200:
        completion = chat_api.read_reply(raw, seconds, url)
        return Attempt(completion, retry=completion.failure is CompletionFailure.TRANSPORT, status=status)
    again = status in (408, 429) or status in _ABOUT_THE_SERVER or status >= 500
    theirs = 400 <= status < 500 and not again
    failure = CompletionFailure.BAD_REQUEST if theirs else CompletionFailure.TRANSPORT
    detail = f"HTTP {status}: {raw[:400].decode('utf-8', 'replace')}"
    completion = chat_api.failed(failure, detail, seconds=seconds, endpoint=url)
    return Attempt(completion, again, retry_after(header, time.time()), status, unreached=status in _NO_SERVER)
