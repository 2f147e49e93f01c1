"""Jobs spread over processes: plain pipes, no pickle, no import of the caller's main module; nothing is left behind by any end.

A worker whose parent dies reads the end of its input and ends; Ctrl-C reaches the parent alone, which ends its workers.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import TracebackType

from rubric_factory.errors import FactoryError, WorkspaceError
from rubric_factory.passages.cut import Cutter, Job
from rubric_factory.settings.passages import PassageSettings

COMMAND = (sys.executable, "-P", "-m", "rubric_factory.passages.worker")
# Below so many documents starting processes costs more than it saves.
WORTH_PROCESSES = 64
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class _Worker:
    """One process; used by one thread at a time."""

    def __init__(self, settings: PassageSettings, command: Sequence[str]) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process; closed by end()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
            env={**environment, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self._send(settings.model_dump_json())

    def _send(self, line: str) -> None:
        if self._process.stdin is None:
            raise AssertionError("a pipe was asked for")
        with contextlib.suppress(BrokenPipeError):  # a dead worker shows when its answer is read
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def cut(self, job: Job) -> int:
        """Have a job done. Errors: WorkspaceError as the worker says, FactoryError if it died."""
        if self._process.stdout is None:
            raise AssertionError("a pipe was asked for")
        self._send(json.dumps(job.to_json()))
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self._stderr.seek(0)
            last = self._stderr.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            raise FactoryError(
                f"a process that cuts passages ended with {status} on {job.texts}{''.join(f': {text}' for text in last)}",
                expected="an answer",
                fix="run again; fewer passages.workers need less memory",
            )
        answer = json.loads(line)
        if "error" in answer:
            raise WorkspaceError(answer["error"])
        return int(answer["documents"])

    def end(self) -> None:
        """Kill and wait."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Workers:
    """Processes side by side; a context manager that leaves none behind."""

    def __init__(self, settings: PassageSettings, command: Sequence[str] = COMMAND) -> None:
        self._settings, self._command = settings, command
        self._idle: list[_Worker] = []
        self._all: list[_Worker] = []
        self._lock = threading.Lock()
        self._ended = False

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._lock:
            self._ended = True
            for worker in self._all:
                worker.end()

    def run(self, jobs: Sequence[Job]) -> Iterator[Job]:
        """Jobs as they are done, largest first. Errors: WorkspaceError, FactoryError; the first ends all."""
        if sum(len(job.due) for job in jobs) < WORTH_PROCESSES or self._settings.workers == 1:
            cutter = Cutter(self._settings) if jobs else None
            for job in jobs:
                if cutter is not None:
                    cutter.cut(job)
                yield job
            return
        threads = ThreadPoolExecutor(min(self._settings.workers, len(jobs)))
        try:
            running = {threads.submit(self._cut, job): job for job in jobs}
            for done in as_completed(running):
                done.result()
                yield running.pop(done)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _cut(self, job: Job) -> None:
        with self._lock:
            if self._ended:
                return
            if not self._idle:
                self._all.append(_Worker(self._settings, self._command))
                self._idle.append(self._all[-1])
            worker = self._idle.pop()
        worker.cut(job)
        with self._lock:
            self._idle.append(worker)
