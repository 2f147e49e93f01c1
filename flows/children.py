"""Child processes of a command: each in a session of its own, so that Ctrl-C reaches the command alone, and ended with the command."""

import contextlib
import os
import signal
import subprocess
import sys
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


def stop(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """End a child and what it started: a request first, force after `seconds`."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    _signal(process, signal.SIGKILL)
    process.wait()
