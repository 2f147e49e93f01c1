"""A real HTTP server on loopback addresses that serves documents well or badly: what the tests of remote sources talk to."""

import asyncio
import contextlib
import gzip
import json
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from rubric_factory.progress import Progress
from rubric_factory.settings.network import NetworkSettings
from rubric_factory.sources.fetch_index import FetchIndex
from rubric_factory.sources.http_fetch import Fetcher

Behaviour = Callable[["FetchServer", web.Request], Awaitable[web.StreamResponse]]

# Impatient and unpolite, towards this machine alone.
LOOPBACK = NetworkSettings(
    allow_addresses=("127.0.0.1/32",), host_seconds=0, host_concurrency=8, timeout_seconds=5, retries=2, max_wait_seconds=2
)


def fetcher(network: NetworkSettings) -> Fetcher:
    """A fetcher that retries at once."""
    return Fetcher(network, first_wait=0.001)


def document(body: bytes, content_type="text/plain", **headers) -> Behaviour:
    """A body with an ETag, asked for conditionally or not."""
    etag = headers.get("ETag")

    async def behave(server, request):
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, content_type=content_type, headers=headers)

    return behave


def status(code, **headers) -> Behaviour:
    async def behave(server, request):
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return behave


def redirect(location, code=302) -> Behaviour:
    return status(code, Location=location)


def packed(body: bytes, encoding="gzip") -> Behaviour:
    async def behave(server, request):
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    return behave


def cut(announced: int, sent: bytes) -> Behaviour:
    """Announces more than it sends, and hangs up."""

    async def behave(server, request):
        response = web.StreamResponse(headers={"Content-Length": str(announced)})
        await response.prepare(request)
        await response.write(sent)
        request.transport.close()
        return response

    return behave


def endless(server, request):
    """No Content-Length, and no end."""

    async def behave():
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 4096)

    return behave()


async def hang(server, request):
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits this long")


def bomb(megabytes: int) -> bytes:
    return gzip.compress(b"\0" * (megabytes * 1024 * 1024))


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other; the last one stays."""
    waiting = list(behaviours)

    async def behave(server, request):
        return await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(server, request)

    return behave


class FetchServer:
    """Serves `paths` (path without query: behaviour) on 127.0.0.1 and 127.0.0.2; 404 elsewhere. Counts every request."""

    def __init__(self) -> None:
        self.paths: dict[str, Behaviour] = {}
        self.asked: Counter[str] = Counter()
        self.requests: list[tuple[str, str, dict[str, str]]] = []  # (host and port asked for, path with query, headers)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()
        self._ready.wait(10)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def documents_asked(self) -> Counter[str]:
        """Requests by path, robots.txt left out."""
        return Counter({path: n for path, n in self.asked.items() if path != "/robots.txt"})

    def forget(self) -> None:
        self.asked.clear()
        self.requests.clear()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        self.requests.append((request.host, request.path_qs, dict(request.headers)))
        behave = self.paths.get(request.path)
        return await behave(self, request) if behave else web.Response(status=404)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        first = web.TCPSite(self._runner, "127.0.0.1", 0)
        await first.start()
        self.port = first._server.sockets[0].getsockname()[1]
        await web.TCPSite(self._runner, "127.0.0.2", self.port).start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)


class Records:
    """The OSTI records API over a list of records, in its documented shape: an array, X-Total-Count, Link."""

    def __init__(self, records, *, link=True, total=None) -> None:
        self.records, self.link, self.total = list(records), link, total
        self.pages: list[int] = []

    async def __call__(self, server, request):
        rows, page = int(request.query["rows"]), int(request.query["page"])
        self.pages.append(page)
        chosen = self.records[(page - 1) * rows : page * rows]
        headers = {"X-Total-Count": str(len(self.records) if self.total is None else self.total)}
        if self.link and page * rows < len(self.records):
            headers["Link"] = f'<{request.url.update_query(page=page + 1)}>; rel="next"'
        elif self.link:
            headers["Link"] = f'<{request.url.update_query(page=1)}>; rel="first"'
        return web.Response(text=json.dumps(chosen), content_type="application/json", headers=headers)


def die_at(point, reader):
    """Run in a forked child that dies, without any clean-up, at the point-th fsync, rename or statement: its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = [point]

    def dying(call):
        def called(*arguments, **named):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            return call(*arguments, **named)

        return called

    os.fsync, Path.replace, FetchIndex._run = dying(os.fsync), dying(Path.replace), dying(FetchIndex._run)
    try:
        reader.acquire(Progress(quiet=True))
        os._exit(0)
    finally:
        os._exit(1)


@contextlib.contextmanager
def quick_folder():
    """A folder in memory where the system has one: a crash of a process, unlike one of the machine, needs no disk to wait for."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)
