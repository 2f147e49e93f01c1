"""Prefect on one machine: a server of its own beside the command, quiet, without telemetry, its files inside the workspace.

Prefect's ephemeral server would do, but it dies of the same Ctrl-C as the command, which then waits a minute for it; this one has a
session of its own and is stopped last.
"""

import atexit
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from rubric_factory.errors import FactoryError, MissingExtraError
from rubric_factory.workspace import Workspace

START_SECONDS = 180.0
# Linux ends the server with us even when we are killed (prctl 1 = PR_SET_PDEATHSIG, 15 = SIGTERM).
_LAUNCH = (
    "import ctypes, runpy, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, 15)\n"
    "sys.argv[0] = 'uvicorn'\n"
    "runpy.run_module('uvicorn', run_name='__main__')\n"
)
# Only what nobody has set.
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
}


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _stop(process: subprocess.Popen[bytes], answered: threading.Event) -> None:
    """End the server, which may take 10 s; at once where it never answered: it has nothing to put away yet. Deaf to a second Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if answered.is_set():
        process.terminate()
    else:
        process.kill()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _start(workspace: Workspace, port: int) -> subprocess.Popen[bytes]:
    """The server as a process in a session of its own, its output in prefect/server.log."""
    workspace.prefect.mkdir(exist_ok=True)
    arguments = ["--factory", "prefect.server.api.server:create_app", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    with (workspace.prefect / "server.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _LAUNCH, *arguments],
            env={**os.environ, "PREFECT_UI_ENABLED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(process: subprocess.Popen[bytes], url: str, workspace: Workspace) -> None:
    """Until the server answers. Errors: FactoryError where it ends or stays silent."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the server is on this machine
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with opener.open(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise FactoryError(
        f"Prefect's server did not start ({workspace.prefect / 'server.log'})",
        expected="it within 3 minutes",
        fix="read that log, or run the single-stage commands, which need no Prefect",
    )


def prepare(workspace: Workspace) -> None:
    """Set the environment of Prefect and start its server, before the first import of prefect; both end with this process.

    A person with a Prefect server of their own (PREFECT_API_URL) keeps it. Errors: MissingExtraError, WorkspaceError, FactoryError.
    """
    if importlib.util.find_spec("prefect") is None:
        raise MissingExtraError.of("prefect", "prefect")
    workspace.create()
    for name, value in {**QUIET, "PREFECT_HOME": str(workspace.prefect.resolve())}.items():
        os.environ.setdefault(name, value)
    if "PREFECT_API_URL" in os.environ:
        return
    port = _free_port()
    url = os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    os.environ["NO_PROXY"] = ",".join(filter(None, [os.environ.get("NO_PROXY", ""), "127.0.0.1"]))
    process = _start(workspace, port)
    answered = threading.Event()
    atexit.register(_stop, process, answered)  # before prefect registers its own: handlers run in reverse
    import prefect  # noqa: F401  (a second of work, while the server starts)

    _wait(process, url, workspace)
    answered.set()
