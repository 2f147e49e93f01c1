"""One parser process as the pool sees it: started with a bare environment, fed and heard through pipes, ended without a trace."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rubric_factory.extract.worker import HEADER, REPORT, pack_frame
from rubric_factory.settings.extract import ExtractSettings

COMMAND = (sys.executable, "-P", "-m", "rubric_factory.extract.worker")
MAX_REPLY_BYTES = 1 << 30
MAX_AHEAD_BYTES = 16_384  # a request that fits a pipe together with another: writing it never waits for the worker
END_SECONDS = 2.0
# Nothing of the parent's environment but what Python needs to start: API keys have no business beside untrusted documents.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Job:
    """One document to parse: index in its shard, and the request (path, max_bytes, and what the parser wants)."""

    index: int
    request: dict[str, Any]


class Process:
    """A parser process and the jobs it holds: the one it is on, and the next. since: when it began the first of them."""

    def __init__(self, command: Sequence[str], settings: ExtractSettings) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C reaches the parent alone, which ends its workers
            bufsize=0,
        )
        if self.process.stdin is None or self.process.stdout is None or self.process.stderr is None:
            raise AssertionError("pipes were asked for")
        self.stdin, self.stdout, self._report = self.process.stdin, self.process.stdout, self.process.stderr
        os.set_blocking(self.stdout.fileno(), False)
        os.set_blocking(self._report.fileno(), False)
        self.buffer = bytearray()
        self.jobs: deque[Job] = deque()
        self.takes_ahead = True
        self.fresh = True  # whether the job it is on is the first of its process
        self.ready = False
        self.since = time.monotonic()
        limits = ("memory_mb", "cpu_seconds", "wall_seconds", "recycle_documents")
        self._send(pack_frame({name: getattr(settings, name) for name in limits}))

    def _send(self, frame: bytes) -> None:
        """Write one frame; a dead worker shows at the next read."""
        with contextlib.suppress(BrokenPipeError):
            view = memoryview(frame)
            while view:
                view = view[self.stdin.write(view) :]

    def start(self, job: Job) -> None:
        """Hand over a job. One that is too large to lie in the pipe is given to an idle worker only, and bars the next from being so."""
        if not self.jobs:
            self.since = time.monotonic()
        self.jobs.append(job)
        frame = pack_frame(job.request)
        self.takes_ahead = len(frame) <= MAX_AHEAD_BYTES
        self._send(frame)

    def answered(self, recycled: bool) -> Job:
        """Take the job that has been answered; recycled: another process takes the next one."""
        self.fresh, self.since = recycled, time.monotonic()
        return self.jobs.popleft()

    def read(self) -> bool:
        """Take what the pipe holds; False at its end."""
        while True:
            try:
                chunk = os.read(self.stdout.fileno(), 1 << 20)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self.buffer += chunk

    def frame(self) -> dict[str, Any] | None:
        """A complete frame, if there is one. Errors: ValueError for one that no worker of ours writes."""
        if len(self.buffer) < HEADER.size:
            return None
        size = HEADER.unpack_from(self.buffer)[0]
        if size > MAX_REPLY_BYTES:
            raise ValueError(f"a reply of {size} bytes")
        if len(self.buffer) < HEADER.size + size:
            return None
        value = json.loads(bytes(self.buffer[HEADER.size : HEADER.size + size]))
        del self.buffer[: HEADER.size + size]
        if not isinstance(value, dict):
            raise ValueError("a reply that is no object")
        return value

    def ask_to_end(self) -> None:
        """The nursery ends its child and itself; one that is not there yet, or not any more, does so without being asked."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGTERM)

    def end(self) -> tuple[int, int, str]:
        """End the process group and wait: (exit code of the child that parsed, its peak resident memory in MiB, what was said instead)."""
        self.ask_to_end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        said = b""
        with contextlib.suppress(BlockingIOError):
            said = os.read(self._report.fileno(), 1 << 16)
        for pipe in (self.stdin, self.stdout, self._report):
            with contextlib.suppress(OSError):
                pipe.close()
        if len(said) == REPORT.size:
            code, peak = REPORT.unpack(said)
            return code, peak, ""
        return code, 0, said.decode("utf-8", "replace").strip()
