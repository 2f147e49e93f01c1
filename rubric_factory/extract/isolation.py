"""A pool of parser processes with hard limits: a crash, a hang or a memory bomb costs one document, never the run.

The parent imports no parser. One thread, one selector: it feeds idle workers, reads replies, kills what is late, and replaces
workers after recycle_documents. A crash in a worker that had parsed other documents before is tried once more in a fresh one, so
that what a document costs does not depend on its predecessors.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rubric_factory.errors import FactoryError, MissingExtraError
from rubric_factory.extract.worker import HEADER, pack_frame
from rubric_factory.settings.extract import ExtractSettings

COMMAND = (sys.executable, "-P", "-m", "rubric_factory.extract.worker")
START_SECONDS = 120.0
MAX_REPLY_BYTES = 1 << 30
# Nothing of the parent's environment but what Python needs to start: API keys have no business beside untrusted documents.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Job:
    """One document to parse: index in its shard, and the request (path, max_bytes, and what the parser wants)."""

    index: int
    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: a reply, or refused = (reason, detail). seconds: wall time from sending to answer."""

    index: int
    seconds: float
    reply: dict[str, Any] | None = None
    refused: tuple[str, str] | None = None


class _Worker:
    """One parser process and the job it is on."""

    def __init__(self, command: Sequence[str], settings: ExtractSettings) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C reaches the parent alone, which ends its workers
            bufsize=0,
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise AssertionError("pipes were asked for")
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        os.set_blocking(self.stdout.fileno(), False)
        self.buffer = bytearray()
        self.job: Job | None = None
        self.served = 0
        self.ready = False
        self.since = time.monotonic()
        self.send({"memory_mb": settings.memory_mb, "cpu_seconds": settings.cpu_seconds, "wall_seconds": settings.wall_seconds})

    def send(self, value: dict[str, Any]) -> None:
        """Write one frame; a dead worker shows at the next read."""
        with contextlib.suppress(BrokenPipeError):
            frame = memoryview(pack_frame(value))
            while frame:
                frame = frame[self.stdin.write(frame) :]

    def start(self, job: Job) -> None:
        """Hand over a job; its clock begins now, or when the worker is ready."""
        self.job, self.since = job, time.monotonic()
        self.send(job.request)

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
        """A complete reply, if there is one. Errors: ValueError for one that no worker of ours writes."""
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

    def end(self) -> tuple[int, int]:
        """Kill and wait: (wait status, peak resident memory in MiB)."""
        os.kill(self.process.pid, signal.SIGKILL)  # not process.kill(): that reaps a dead one, and its cause of death is lost
        return self._reap()

    def _reap(self) -> tuple[int, int]:
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(OSError):
            self.stdin.close()
        self.stdout.close()
        return self.process.returncode, usage.ru_maxrss // 1024

    def corpse(self) -> tuple[int, int]:
        """As `end`, for a worker whose pipe has closed: gives it a moment to die of its own cause, so that the cause is seen."""
        for _ in range(200):
            if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                break
            time.sleep(0.01)
        return self.end()


class Pool:
    """Parser processes side by side; a context manager that leaves none behind."""

    def __init__(self, settings: ExtractSettings, command: Sequence[str] = COMMAND) -> None:
        self._settings, self._command = settings, command
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in list(self._workers):
            self._drop(worker)
            worker.end()
        self._selector.close()

    def run(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Outcomes as they come, one per job. Errors: MissingExtraError, FactoryError when no worker can start at all."""
        queue = deque(jobs)
        retried: set[int] = set()
        while queue or any(worker.job for worker in self._workers):
            self._feed(queue)
            for key, _ in self._selector.select(self._patience()):
                yield from self._hear(key.data, queue, retried)
            now = time.monotonic()
            for worker in list(self._workers):
                if worker.job and now - worker.since > self._allowed(worker):
                    yield from self._late(worker)

    def _allowed(self, worker: _Worker) -> float:
        return self._settings.wall_seconds if worker.ready else START_SECONDS

    def _patience(self) -> float:
        now = time.monotonic()
        return max(0.0, min((w.since + self._allowed(w) - now for w in self._workers if w.job), default=0.0)) + 0.01

    def _feed(self, queue: deque[Job]) -> None:
        for worker in [w for w in self._workers if not w.job and w.served >= self._settings.recycle_documents]:
            self._drop(worker)
            worker.end()
        idle = [worker for worker in self._workers if not worker.job]
        while queue and (idle or len(self._workers) < self._settings.workers):
            worker = idle.pop() if idle else self._spawn()
            worker.start(queue.popleft())

    def _spawn(self) -> _Worker:
        worker = _Worker(self._command, self._settings)
        self._workers.append(worker)
        self._selector.register(worker.stdout, selectors.EVENT_READ, worker)
        return worker

    def _drop(self, worker: _Worker) -> None:
        self._selector.unregister(worker.stdout)
        self._workers.remove(worker)

    def _hear(self, worker: _Worker, queue: deque[Job], retried: set[int]) -> Iterator[Outcome]:
        alive = worker.read()
        try:
            while (value := worker.frame()) is not None:
                yield from self._take(worker, value, queue, retried)
        except ValueError:
            alive = False
        if not alive and worker in self._workers:
            self._drop(worker)
            yield from self._dead(worker, queue, retried)

    def _take(self, worker: _Worker, value: dict[str, Any], queue: deque[Job], retried: set[int]) -> Iterator[Outcome]:
        if "missing" in value:
            raise MissingExtraError.of(str(value["missing"]), "pipeline")
        if not worker.ready:
            worker.ready, worker.since = True, time.monotonic()
            return
        job, seconds = worker.job, time.monotonic() - worker.since
        if job is None:
            raise ValueError("a reply to nothing")
        worker.job, first = None, worker.served == 0
        worker.served += 1
        if "failed" not in value:
            yield Outcome(job.index, seconds, reply=value)
        elif first or job.index in retried:
            reason, detail = (str(part) for part in value["failed"])
            yield Outcome(job.index, seconds, refused=(reason, f"{detail}, {seconds:.1f} s, limit {self._settings.memory_mb} MiB"))
        else:
            retried.add(job.index)
            queue.appendleft(job)

    def _dead(self, worker: _Worker, queue: deque[Job], retried: set[int]) -> Iterator[Outcome]:
        """A worker has closed its pipe: its document is refused, or tried once more if others came before it."""
        status, peak = worker.corpse()
        job, seconds = worker.job, time.monotonic() - worker.since
        if not worker.ready:
            raise FactoryError(
                f"a parser process does not start (exit status {status})",
                expected=f"`{' '.join(self._command[1:])}` to run within {self._settings.memory_mb} MiB",
                fix="raise extract.memory_mb, or reinstall the extra [pipeline]",
            )
        if job is None:
            return
        if worker.served and job.index not in retried:
            retried.add(job.index)
            queue.appendleft(job)
            return
        yield Outcome(job.index, seconds, refused=self._cause(status, peak, seconds))

    def _cause(self, status: int, peak: int, seconds: float) -> tuple[str, str]:
        detail = f"after {seconds:.1f} s, peak {peak} MiB, limit {self._settings.memory_mb} MiB"
        if status == -signal.SIGXCPU:
            return "timeout", f"more than {self._settings.cpu_seconds} s of CPU time, peak {peak} MiB"
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        # The kernel's own killer, or a parser that aborts on a failed allocation.
        if status == -signal.SIGKILL or peak > self._settings.memory_mb // 2:
            return "out_of_memory", f"{name} {detail}"
        return "worker_crashed", f"{name} {detail}"

    def _late(self, worker: _Worker) -> Iterator[Outcome]:
        job = worker.job
        self._drop(worker)
        _, peak = worker.end()
        if not worker.ready:
            raise FactoryError("a parser process does not start", expected=f"it to be ready within {START_SECONDS:.0f} s", fix="run again")
        if job:
            detail = f"no answer within {self._settings.wall_seconds:g} s of wall time, peak {peak} MiB"
            yield Outcome(job.index, self._settings.wall_seconds, refused=("timeout", detail))
