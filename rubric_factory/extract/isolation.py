"""A pool of parser processes with hard limits: a crash, a hang or a memory bomb costs one document, never the run.

The parent imports no parser. One thread, one selector: it feeds workers, each with one job ahead so that none idles while its reply
is dealt with, reads replies, and replaces workers that have died. A crash in a process that had parsed other documents before is
tried once more in a fresh one, so that what a document costs does not depend on its predecessors.
"""

import selectors
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rubric_factory.errors import FactoryError, MissingExtraError
from rubric_factory.extract.process import COMMAND, Job, Process
from rubric_factory.settings.extract import ExtractSettings

START_SECONDS = 120.0
GRACE_SECONDS = 10.0  # past the limit, which the kernel enforces in the worker: then the worker is ended from here
AHEAD = 2  # jobs a worker holds: the one it is on and the next

__all__ = ["COMMAND", "Job", "Outcome", "Pool"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: a reply, or refused = (reason, detail). seconds: wall time in the worker; peak_mb: its peak memory in MiB."""

    index: int
    seconds: float
    reply: dict[str, Any] | None = None
    refused: tuple[str, str] | None = None
    peak_mb: int = 0


class _Queue:
    """Jobs as they are asked for, those that are tried again first."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = iter(jobs)
        self._again: deque[Job] = deque()

    def next(self) -> Job | None:
        """The next job, made now; None when there are no more."""
        return self._again.popleft() if self._again else next(self._jobs, None)

    def put_back(self, job: Job) -> None:
        """Try a job again before any other."""
        self._again.appendleft(job)


class Pool:
    """Parser processes side by side; a context manager that leaves none behind."""

    def __init__(self, settings: ExtractSettings, command: Sequence[str] = COMMAND) -> None:
        self._settings, self._command = settings, command
        self._workers: list[Process] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.ask_to_end()
        for worker in list(self._workers):
            self._drop(worker)
            worker.end()
        self._selector.close()

    def run(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Outcomes as they come, one per job; a job is taken from `jobs` when a worker is free for it or will be next.

        Errors: MissingExtraError, FactoryError when no worker can start at all.
        """
        queue = _Queue(jobs)
        retried: set[int] = set()
        while self._feed(queue):
            for key, _ in self._selector.select(self._patience()):
                yield from self._hear(key.data, queue, retried)
            now = time.monotonic()
            for worker in list(self._workers):
                if worker.jobs and now - worker.since > self._allowed(worker):
                    yield from self._late(worker, queue)

    def _allowed(self, worker: Process) -> float:
        return self._settings.wall_seconds + GRACE_SECONDS if worker.ready else START_SECONDS

    def _patience(self) -> float:
        now = time.monotonic()
        return max(0.0, min((w.since + self._allowed(w) - now for w in self._workers if w.jobs), default=0.0)) + 0.01

    def _feed(self, queue: _Queue) -> bool:
        """Give jobs to workers, first to those that have none, while there are jobs; whether any worker has one."""
        while True:
            if len(self._workers) < self._settings.workers and all(worker.jobs for worker in self._workers):
                worker = None
            else:
                worker = min(self._workers, key=lambda one: len(one.jobs))
                if len(worker.jobs) >= AHEAD or (worker.jobs and not worker.takes_ahead):
                    break
            job = queue.next()
            if job is None:
                break
            (worker or self._spawn()).start(job)
        return any(worker.jobs for worker in self._workers)

    def _spawn(self) -> Process:
        worker = Process(self._command, self._settings)
        self._workers.append(worker)
        self._selector.register(worker.stdout, selectors.EVENT_READ, worker)
        return worker

    def _drop(self, worker: Process) -> None:
        self._selector.unregister(worker.stdout)
        self._workers.remove(worker)

    def _hear(self, worker: Process, queue: _Queue, retried: set[int]) -> Iterator[Outcome]:
        alive, malformed = worker.read(), False
        try:
            while (value := worker.frame()) is not None:
                yield from self._take(worker, value, queue, retried)
        except (ValueError, KeyError, TypeError):  # no worker of ours wrote that
            malformed = True
        if malformed or not alive:
            self._drop(worker)
            yield from self._dead(worker, queue, retried, malformed)

    def _take(self, worker: Process, value: dict[str, Any], queue: _Queue, retried: set[int]) -> Iterator[Outcome]:
        """A frame of a worker. Errors: MissingExtraError; ValueError, KeyError, TypeError for one that is malformed."""
        if "missing" in value:
            raise MissingExtraError.of(str(value["missing"]), "pipeline")
        if not worker.ready:
            worker.ready, worker.since = True, time.monotonic()
            return
        if not worker.jobs:
            raise ValueError("a reply to nothing")
        seconds, peak = float(value["seconds"]), int(value["peak_mb"])
        first = int(value["served"]) == 0
        job = worker.answered("failed" in value or int(value["served"]) + 1 >= self._settings.recycle_documents)
        if "reply" in value:
            yield Outcome(job.index, seconds, reply=dict(value["reply"]), peak_mb=peak)
        elif "refused" in value:
            reason, detail = value["refused"]
            yield Outcome(job.index, seconds, refused=(str(reason), str(detail)), peak_mb=peak)
        elif first or job.index in retried:
            reason, detail = value["failed"]
            yield Outcome(job.index, seconds, refused=(str(reason), f"{detail} {self._spent(seconds, peak)}"), peak_mb=peak)
        else:
            retried.add(job.index)
            queue.put_back(job)

    def _dead(self, worker: Process, queue: _Queue, retried: set[int], malformed: bool) -> Iterator[Outcome]:
        """A worker has closed its pipe or garbled its replies: its document is refused, or tried once more if others came before it."""
        status, peak, said = worker.end()
        seconds = time.monotonic() - worker.since
        if not worker.ready:
            raise FactoryError(
                f"a parser process does not start (exit status {status}): {said[-200:] or 'it says nothing'}",
                expected=f"`{' '.join(self._command[1:])}` to run",
                fix="reinstall the extra [pipeline]",
            )
        job = self._give_up(worker, queue)
        if job is None:
            return
        if not worker.fresh and job.index not in retried:
            retried.add(job.index)
            queue.put_back(job)
            return
        cause = ("worker_crashed", f"a malformed reply {self._spent(seconds, peak)}") if malformed else self._cause(status, peak, seconds)
        yield Outcome(job.index, seconds, refused=cause, peak_mb=peak)

    def _give_up(self, worker: Process, queue: _Queue) -> Job | None:
        """The job a dead worker was on; the one it held besides goes back."""
        jobs = list(worker.jobs)
        for job in reversed(jobs[1:]):
            queue.put_back(job)
        return jobs[0] if jobs else None

    def _spent(self, seconds: float, peak: int) -> str:
        return f"after {seconds:.1f} s, peak {peak} MiB, limit {self._settings.memory_mb} MiB"

    def _cause(self, status: int, peak: int, seconds: float) -> tuple[str, str]:
        if status == -signal.SIGXCPU:
            return "timeout", f"more than {self._settings.cpu_seconds} s of CPU time {self._spent(seconds, peak)}"
        if status == -signal.SIGALRM:
            return "timeout", f"more than {self._settings.wall_seconds:g} s of wall time {self._spent(seconds, peak)}"
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        # The kernel's own killer, or a parser that aborts on a failed allocation.
        if status == -signal.SIGKILL or peak > self._settings.memory_mb // 2:
            return "out_of_memory", f"{name} {self._spent(seconds, peak)}"
        return "worker_crashed", f"{name} {self._spent(seconds, peak)}"

    def _late(self, worker: Process, queue: _Queue) -> Iterator[Outcome]:
        """A worker that even the kernel's clock has not ended, a stopped one for instance."""
        self._drop(worker)
        _, peak, _ = worker.end()
        if not worker.ready:
            raise FactoryError("a parser process does not start", expected=f"it to be ready within {START_SECONDS:.0f} s", fix="run again")
        job = self._give_up(worker, queue)
        if job:
            seconds = time.monotonic() - worker.since
            yield Outcome(job.index, seconds, refused=("timeout", f"no answer {self._spent(seconds, peak)}"), peak_mb=peak)
