"""One private event loop in a thread of its own: the only place where this library runs asyncio."""

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


class EventLoop:
    """Started with the object, stopped when it is dropped or the interpreter ends."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(self._loop,), name="rubric-factory-http", daemon=True).start()
        weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)

    def call(self, coroutine: Coroutine[Any, Any, T], timeout_seconds: float | None = None) -> T:
        """Run a coroutine in the loop and wait for it. Errors: its own; TimeoutError."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_seconds)

    def soon(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function in the loop, without waiting."""
        self._loop.call_soon_threadsafe(function, *arguments)
