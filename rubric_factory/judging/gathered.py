"""One judge for many callers: what waits is graded together, so that single answers get the evidence and the throughput of a batch."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.records import Judgement

BATCH, WAITING = 256, 4096


class Full(Exception):
    """More answers wait than may; the caller comes back later."""


class Gathered:
    """A judge behind a queue and one thread: a judge, its ledger and its account serve one batch at a time.

    batch: answers graded together, at most; waiting: answers in the queue, at most. An answer whose future was cancelled before its
    batch began is never sent.
    """

    def __init__(self, judge: Judge, *, batch: int = BATCH, waiting: int = WAITING) -> None:
        self._judge, self._batch, self._most = judge, batch, waiting
        self._queue: deque[tuple[JudgeInput, Future[Judgement]]] = deque()
        self._mutex = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judge")

    @property
    def waiting(self) -> int:
        """Answers whose batch has not begun."""
        return len(self._queue)

    def submit(self, items: Sequence[JudgeInput]) -> list[Future[Judgement]]:
        """A future for every answer, all of them or none. Errors: Full; RuntimeError after `close`."""
        futures: list[Future[Judgement]] = [Future() for _ in items]
        with self._mutex:
            if len(self._queue) + len(items) > self._most:
                raise Full(f"{len(self._queue)} answers wait, {self._most} may")
            self._queue.extend(zip(items, futures, strict=True))
            for _ in range(0, len(items), self._batch):
                self._thread.submit(self._work)
        return futures

    def close(self) -> None:
        """Grade what waits, then end the thread."""
        self._thread.shutdown(wait=True)

    def _take(self) -> list[tuple[JudgeInput, Future[Judgement]]]:
        taken: list[tuple[JudgeInput, Future[Judgement]]] = []
        with self._mutex:
            while self._queue and len(taken) < self._batch:
                item, future = self._queue.popleft()
                if future.set_running_or_notify_cancel():
                    taken.append((item, future))
        return taken

    def _work(self) -> None:
        taken = self._take()
        if not taken:
            return  # an earlier batch had room for these
        try:
            judged = self._judge.grade_many([item for item, _ in taken])
        except BaseException as error:
            for _, future in taken:
                future.set_exception(error)
            raise
        for (_, future), judgement in zip(taken, judged, strict=True):
            future.set_result(judgement)
