"""A real HTTP server on 127.0.0.1 that speaks chat completions, well or badly: what the language-model tests talk to."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

# A behaviour gets the server, the request and its decoded body, and answers (or not).
Behaviour = Callable[["ChatServer", web.Request, dict], Awaitable[web.StreamResponse]]


def said(body: dict) -> str:
    return body["messages"][-1]["content"]


def reply(text, **changes) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"model": "served", "choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 5}, **changes}


async def echo(server, request, body):
    return web.json_response(reply("echo " + said(body)))


def status(code, text="no", headers=None) -> Behaviour:
    async def behave(server, request, body):
        return web.Response(status=code, text=text, headers=headers)

    return behave


def raw(payload: bytes) -> Behaviour:
    async def behave(server, request, body):
        return web.Response(body=payload, content_type="application/json")

    return behave


async def hang(server, request, body):
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits this long")


async def cut(server, request, body):
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"choices": [{"message": {"content": "half an ans')
    request.transport.abort()
    return response


async def reset(server, request, body):
    request.transport.abort()
    return web.Response()


def flood(size: int) -> Behaviour:
    async def behave(server, request, body):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(size // 65536):
            await response.write(b" " * 65536)
        return response

    return behave


class ChatServer:
    """calls: how often each last message was asked; most: requests under way at once, at most; gone: clients that hung up on us."""

    def __init__(self, behaviour: Behaviour = echo, port: int = 0) -> None:
        self.behaviour = behaviour
        self.port = port
        self.models = 200  # status of GET /models: how a server says that it is there
        self.looks = 0
        self.calls: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.active = self.most = self.gone = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_get("/v1/models", self._models)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _models(self, request: web.Request) -> web.StreamResponse:
        self.looks += 1
        return web.json_response({"data": []}, status=self.models)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.headers.append(dict(request.headers))
        self.calls[said(body)] += 1
        self.active += 1
        self.most = max(self.most, self.active)
        try:
            return await self.behaviour(self, request, body)
        except asyncio.CancelledError:
            self.gone += 1
            raise
        finally:
            self.active -= 1


def in_turn(*first: Behaviour, then: Behaviour = echo) -> Behaviour:
    """The n-th call for a message meets the n-th behaviour, later ones `then`."""

    async def behave(server, request, body):
        number = server.calls[said(body)] - 1
        return await (first[number] if number < len(first) else then)(server, request, body)

    return behave
