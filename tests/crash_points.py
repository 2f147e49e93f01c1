"""A harness that kills a process at its k-th durable step: every fsync, rename, unlink, commit and checkpoint is a crash point.

The action runs in a forked child, in which alone these steps are counted; the product knows nothing of it. A kill is SIGKILL, before the
step is done: what was done before k is there, k and what follows is not. Parser processes are not counted; they end with their parent.
"""

import os
import pickle
import random
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

from rubric_factory import warehouse

Action = Callable[[], object]
_STEPS = ("fsync", "rename", "replace", "unlink", "remove")


class _Counter:
    """Counts steps and kills this process before the one numbered `at` (from 1; 0: never)."""

    def __init__(self, at: int) -> None:
        self.at, self.names = at, list[str]()

    def step(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.step(name)
            return function(*arguments, **named)

        return counted


class _Connection:
    """A DuckDB connection whose commits and checkpoints are steps, and whose statements outside a transaction are commits."""

    def __init__(self, connection: Any, counter: _Counter) -> None:
        self._connection, self._counter, self._inside = connection, counter, False

    def begin(self) -> None:
        self._connection.begin()
        self._inside = True

    def commit(self) -> None:
        self._counter.step("commit")
        self._connection.commit()
        self._inside = False

    def rollback(self) -> None:
        self._connection.rollback()
        self._inside = False

    def execute(self, statement: str, *arguments: Any) -> Any:
        if statement == "CHECKPOINT":
            self._counter.step("checkpoint")
        elif not self._inside and not statement.startswith("SET "):
            self._counter.step("commit")
        return self._connection.execute(statement, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _install(counter: _Counter) -> None:
    for name in _STEPS:
        setattr(os, name, counter.wrap(name, getattr(os, name)))
    connect = warehouse._connect
    warehouse._connect = lambda workspace, path: _Connection(connect(workspace, path), counter)  # type: ignore[assignment,return-value]


def _fork(action: Action, at: int) -> tuple[int, list[str]]:
    """Run the action in a child: (signal that ended it or 0, names of the steps it came to, where it lived to tell)."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        code = 1
        try:
            counter = _Counter(at)
            _install(counter)
            action()
            os.write(write, pickle.dumps(counter.names))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"the action failed with exit status {status}"
    return -status, pickle.loads(told) if told else []


def steps_of(action: Action) -> list[str]:
    """The durable steps of an action, in order, run to its end in a child."""
    died, names = _fork(action, 0)
    assert died == 0
    return names


def chosen(steps: list[str], most: int) -> list[int]:
    """Numbers, from 1, of the steps to crash before: spread evenly, at most `most`, or as many as CRASH_POINTS in the environment says."""
    count = min(len(steps), int(os.environ.get("CRASH_POINTS", most)))
    return sorted({1 + index * len(steps) // count for index in range(count)})


def crash(action: Action, at: int) -> bool:
    """Run the action in a child that is killed before its step number `at`, from 1; whether it came that far."""
    return _fork(action, at)[0] == signal.SIGKILL


def crash_after(action: Action, seconds: float) -> bool:
    """Run the action in a child that is killed after so many seconds; whether it still ran then."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, f"the action failed with exit status {status}"
            return False
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def random_kills(action: Action, kills: int, longest: float, seed: int) -> int:
    """Kill the action so many times, each after a random time up to `longest` seconds; how many of them found it at work."""
    draw = random.Random(seed)
    return sum(crash_after(action, draw.uniform(0.0, longest)) for _ in range(kills))
