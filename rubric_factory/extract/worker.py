"""The parser process: `python -P -m rubric_factory.extract.worker`. Reads requests, parses one document each, writes replies.

Two processes in fact: a nursery that imports the parsers once and never sees a document, and its child, a fork that parses. After
recycle_documents, or a MemoryError, the next child costs a fork and no imports; and what the kernel tells of a dead child is that
child's own (Linux counts a parent's peak memory into a child that is started by exec).

Frames are a 4-byte big-endian length and UTF-8 JSON; nothing is pickled. The first request holds the limits, the first reply says
'ready'. Whatever a parser prints goes nowhere near the replies: standard output is moved aside before a parser is imported. When a
child dies, the nursery writes how, and its peak memory, to where standard error was, and ends.
"""

import contextlib
import gc
import json
import os
import resource
import signal
import stat
import struct
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import Any

from rubric_factory.extract.result import Refused

Parse = Callable[[bytes, dict[str, Any]], dict[str, Any]]
HEADER = struct.Struct(">I")
REPORT = struct.Struct(">iI")  # exit code as of subprocess, peak resident memory in MiB
_FIRST_PAGE = (
    b"<!DOCTYPE html><title>Pumps</title><h1>Pumps</h1>" + b"<p>The pump is stopped before the valve of the tank is closed.</p>" * 9
)
RECYCLE = 75  # exit code of a child that wants a successor


def read_frame(descriptor: int) -> dict[str, Any] | None:
    """The next frame, read to its last byte and no further: the rest belongs to the next child. None at the end of the stream."""
    header = _read(descriptor, HEADER.size)
    if len(header) < HEADER.size:
        return None
    frame: dict[str, Any] = json.loads(_read(descriptor, HEADER.unpack(header)[0]))
    return frame


def _read(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := os.read(descriptor, size - len(data))):
        data += chunk
    return data


def pack_frame(value: dict[str, Any]) -> bytes:
    """A frame as bytes; lone surrogates (file names) survive as JSON escapes."""
    body = json.dumps(value).encode()
    return HEADER.pack(len(body)) + body


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def read_regular(path: str, max_bytes: int) -> bytes:
    """Bytes of a regular file, never following a link, never waiting for a FIFO. Errors: Refused unreadable, too_large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Refused("unreadable", error.strerror or str(error)) from None
    with open(descriptor, "rb") as handle:  # noqa: PTH123 - a descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("unreadable", "no longer a regular file")
        if status.st_size > max_bytes:
            raise Refused("too_large", f"{status.st_size} bytes, at most {max_bytes} are opened")
        try:
            data = handle.read(max_bytes + 1)
        except OSError as error:
            raise Refused("unreadable", error.strerror or str(error)) from None
    if len(data) > max_bytes:
        raise Refused("too_large", f"grew past {max_bytes} bytes")
    return data


class _Meter:
    """Wall time and peak resident memory of one document after the other; before the first of a child its limits are set."""

    def __init__(self, limits: dict[str, Any]) -> None:
        self._limits = limits
        try:
            self._reset = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)  # "5" forgets the peak (proc(5))
        except OSError:
            self._reset = -1  # peaks are those of the child so far
        memory = int(limits["memory_mb"]) << 20
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # a parser writes no file

    def start(self) -> None:
        """The clocks of the next document begin; the kernel ends the child at their ends, wherever it is."""
        if self._reset >= 0:
            with contextlib.suppress(OSError):
                os.write(self._reset, b"5")
        usage = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(usage.ru_utime + usage.ru_stime) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + int(self._limits["cpu_seconds"]), resource.RLIM_INFINITY))
        signal.setitimer(signal.ITIMER_REAL, float(self._limits["wall_seconds"]))
        self._began = time.monotonic()

    def stop(self) -> dict[str, Any]:
        """What the document took."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return {"seconds": round(time.monotonic() - self._began, 6), "peak_mb": peak}


def _answer(parse: Parse, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"reply": parse(read_regular(request["path"], int(request["max_bytes"])), request)}
    except Refused as refusal:
        return {"refused": [refusal.reason, refusal.detail]}
    except MemoryError:
        return {"failed": ["out_of_memory", "MemoryError"]}
    except RecursionError:
        return {"refused": ["unparseable", "nested too deeply"]}
    except Exception as error:  # process boundary: whatever a parser throws costs this document only
        return {"refused": ["unparseable", f"{type(error).__name__}: {error}"[:300]]}


def _documents(parse: Parse, limits: dict[str, Any], replies: int) -> int:
    """A child's life: exit code 0 at the end of requests, RECYCLE for a successor."""
    meter = _Meter(limits)
    for served in range(int(limits["recycle_documents"])):
        request = read_frame(0)
        if request is None:
            return 0
        meter.start()
        answer = _answer(parse, request)
        _write(replies, pack_frame({**answer, **meter.stop(), "served": served}))
        if "failed" in answer:
            break
    return RECYCLE


class _Nursery:
    """Raises one child after the other, and ends with the last."""

    def __init__(self, parse: Parse, limits: dict[str, Any], replies: int, report: int) -> None:
        self._parse, self._limits, self._replies, self._report = parse, limits, replies, report
        self._child = 0
        self._ended = False

    def run(self) -> int:
        """Exit code 0 at the end of requests; 1 when a child has died, and how stands in the report."""
        signal.signal(signal.SIGTERM, self._end)
        while not self._ended:
            self._child = self._fork()
            _, status, usage = os.wait4(self._child, 0)
            self._child = 0
            code = os.waitstatus_to_exitcode(status)
            if code == 0:
                return 0
            if code != RECYCLE:
                _write(self._report, REPORT.pack(code, usage.ru_maxrss // 1024))
                return 1
        return 1

    def _fork(self) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # until the parent knows whom to end
        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
                os.close(self._report)
                code = _documents(self._parse, self._limits, self._replies)
            finally:
                os._exit(code)
        self._child = child
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        return child

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        """The pool gives up on the document under way: end the child, so that its peak memory is known and nothing is left behind."""
        self._ended = True
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)


def serve(load: Callable[[], Parse]) -> int:
    """Answer requests until standard input ends. load gives the parser; exit code 0, or 1 after a death or a failed start."""
    replies, report = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    limits = read_frame(0)
    if limits is None:
        return 0
    try:
        parse = load()
    except ImportError as error:
        _write(replies, pack_frame({"missing": error.name or str(error)}))
        return 1
    gc.freeze()  # what is there now is never collected: children share it with the nursery
    _write(replies, pack_frame({"ready": True}))
    return _Nursery(parse, limits, replies, report).run()


def _load() -> Parse:
    """The real parser, with its libraries: imported here, once for all children. Errors: ImportError for a missing one."""
    if find_spec("pypdf") is None:  # imported where pdfium gives up
        raise ImportError("no module named pypdf", name="pypdf")
    for name in ("lxml.html", "pypdfium2.raw", "trafilatura"):
        import_module(name)
    from rubric_factory.extract import document

    with contextlib.suppress(Refused):  # what libraries load with their first document is loaded here as well
        document.parse(_FIRST_PAGE, {"min_characters": 0, "max_characters": 10_000})
    return document.parse


if __name__ == "__main__":
    sys.exit(serve(_load))
