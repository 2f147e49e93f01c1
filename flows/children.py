"""Child processes of a command: each in a session of its own, so that Ctrl-C reaches the command alone, and ended with the command."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

# Linux ends a child with its parent even when the parent is killed (prctl 1 = PR_SET_PDEATHSIG, 15 = SIGTERM).
_LAUNCH = (
    "import ctypes, runpy, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, 15)\n"
    "del sys.argv[0]\n"
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
)


def start(module: str, arguments: list[str], environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """`python -m module arguments` in a session of its own, its output appended to log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-c", _LAUNCH, module, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _group(leader: int) -> list[int]:
    """Living processes of a group, zombies not counted (by /proc; without it, none)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[2]) == leader and fields[0] not in "ZX":
            found.append(int(path.parent.name))
    return found


def stop(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """End a child and what it started: a request to all of them first, force after `seconds`. They need the time: a job that is asked to
    end ends its own processes, in sessions of their own, which nobody else knows.
    """
    _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (process.poll() is None or _group(process.pid)):
        time.sleep(0.1)
    _signal(process, signal.SIGKILL)
    process.wait()
