"""The parser process: `python -P -m rubric_factory.extract.worker`. Reads requests, parses one document each, writes replies.

Frames are a 4-byte big-endian length and UTF-8 JSON; nothing is pickled. The first request holds the limits, the first reply says
'ready'. Whatever a parser prints goes nowhere near the replies: standard output is moved aside before a parser is imported.
"""

import json
import os
import resource
import signal
import stat
import struct
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, BinaryIO

from rubric_factory.extract.result import Refused

Parse = Callable[[bytes, dict[str, Any]], dict[str, Any]]
HEADER = struct.Struct(">I")


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """The next frame; None at the end of the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    body = stream.read(HEADER.unpack(header)[0])
    frame: dict[str, Any] = json.loads(body)
    return frame


def pack_frame(value: dict[str, Any]) -> bytes:
    """A frame as bytes; lone surrogates (file names) survive as JSON escapes."""
    body = json.dumps(value).encode()
    return HEADER.pack(len(body)) + body


def read_regular(path: str, max_bytes: int) -> bytes:
    """Bytes of a regular file, never following a link, never waiting for a FIFO. Errors: Refused unreadable, too_large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Refused("unreadable", error.strerror or str(error)) from None
    with open(descriptor, "rb") as handle:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused("unreadable", "no longer a regular file")
        try:
            data = handle.read(max_bytes + 1)
        except OSError as error:
            raise Refused("unreadable", error.strerror or str(error)) from None
    if len(data) > max_bytes:
        raise Refused("too_large", f"grew past {max_bytes} bytes")
    return data


def peak_mb() -> int:
    """Peak resident memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _limit_process(limits: dict[str, Any]) -> None:
    memory = int(limits["memory_mb"]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # a parser writes no file


def _limit_document(limits: dict[str, Any]) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(usage.ru_utime + usage.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + int(limits["cpu_seconds"]), resource.RLIM_INFINITY))
    # The parent kills at wall_seconds; this ends a worker whose parent is gone.
    signal.setitimer(signal.ITIMER_REAL, 2 * float(limits["wall_seconds"]) + 5)


def _answer(parse: Parse, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return parse(read_regular(request["path"], int(request["max_bytes"])), request)
    except Refused as refusal:
        return {"refused": [refusal.reason, refusal.detail]}
    except MemoryError:
        return {"failed": ["out_of_memory", f"peak {peak_mb()} MiB"]}
    except RecursionError:
        return {"refused": ["unparseable", "nested too deeply"]}
    except Exception as error:  # process boundary: whatever a parser throws costs this document only
        return {"refused": ["unparseable", f"{type(error).__name__}: {error}"[:300]]}


def serve(load: Callable[[], Parse]) -> int:
    """Answer requests until standard input ends. load gives the parser; exit status 0, or 1 after a MemoryError or failed start."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limits = read_frame(sys.stdin.buffer)
    if limits is None:
        return 0
    try:
        parse = load()
    except ImportError as error:
        replies.write(pack_frame({"missing": error.name or str(error)}))
        replies.flush()
        return 1
    _limit_process(limits)
    reply: dict[str, Any] = {"ready": True}
    while True:
        replies.write(pack_frame(reply))
        replies.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)
        if "failed" in reply:
            return 1
        request = read_frame(sys.stdin.buffer)
        if request is None:
            return 0
        _limit_document(limits)
        reply = _answer(parse, request)


def _load() -> Parse:
    """The real parser. Its libraries are imported with the first document of their kind; a missing one is told at once."""
    for name in ("lxml", "pypdf", "pypdfium2", "trafilatura"):
        if find_spec(name) is None:
            raise ImportError(f"no module named {name}", name=name)
    from rubric_factory.extract import document

    return document.parse


if __name__ == "__main__":
    sys.exit(serve(_load))
