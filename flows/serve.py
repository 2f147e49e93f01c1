"""The processes behind `serve`: Prefect's server and one worker, started, looked after, stopped."""

import json
import os
import socket
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows import children, webhook
from flows.daily import untrained
from flows.deployed import names
from flows.events import pending
from flows.offline import QUIET
from rubric_factory.errors import FactoryError, UsageError
from rubric_factory.settings import Settings
from rubric_factory.workspace import Workspace

START_SECONDS, STOP_SECONDS, LOOK_SECONDS = 180.0, 40.0, 1.0
# A child that dies more often than this in an hour is not started again.
RESTARTS, WINDOW_SECONDS = 5, 3600.0

# Over whatever the environment says: this server is on this machine, and keeps its files in the workspace.
SERVED = {
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
    "PREFECT_LOGGING_TO_API_ENABLED": "true",
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",  # each stage says what it did
    "PREFECT_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    "PYTHONSAFEPATH": "1",
}
ELSEWHERE = ("PREFECT_API_KEY", "PREFECT_PROFILE", "PREFECT_API_AUTH_STRING")


@dataclass(frozen=True)
class Address:
    """Where the server listens."""

    host: str
    port: int

    @property
    def ui(self) -> str:
        """What a browser opens."""
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "") else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}"

    @property
    def api(self) -> str:
        """What clients on this machine talk to."""
        return f"{self.ui}/api"


def environment(settings: Settings, workspace: Workspace, address: Address) -> dict[str, str]:
    """Environment of both children: local, quiet, no telemetry; the webhook's address for the hooks."""
    inherited = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    own = {"PREFECT_HOME": str(workspace.prefect.resolve()), "PREFECT_API_URL": address.api, "PREFECT_UI_API_URL": address.api}
    own["NO_PROXY"] = own["no_proxy"] = ",".join(filter(None, [os.environ.get("NO_PROXY", ""), "127.0.0.1", "localhost", address.host]))
    if settings.serve.webhook is not None:
        own[webhook.ADDRESS] = settings.serve.webhook.get_secret_value()
        own[webhook.SECONDS] = str(settings.serve.webhook_seconds)
    return {**inherited, **QUIET, **SERVED, **own}


def require_free(address: Address) -> None:
    """Errors: UsageError where something listens on the port already, or the host is not of this machine."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise UsageError(
                f"cannot listen on {address.host}:{address.port}: {error.strerror}", expected="a free port", fix="name another with --port"
            ) from None


def call(url: str, body: dict[str, Any] | None = None) -> Any:
    """GET, or POST of a JSON body, on the local server; None where it does not answer well."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as reply:
            text = reply.read()
    except (OSError, ValueError):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass
class Child:
    """A child that is started again when it dies. ready: whether it does what it is for."""

    name: str
    module: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    ready: Callable[[], bool]
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it and wait until it is ready. Errors: FactoryError with its log where it ends or stays silent."""
        self.process = children.start(self.module, self.arguments, self.environment, self.log)
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.ready():
                return
            time.sleep(0.3)
        state = "ended" if self.process.poll() is not None else "was not ready in 3 minutes"
        raise FactoryError(f"the {self.name} {state}", expected="it running", fix=f"read {self.log}")

    def look(self, say: Callable[[str], None]) -> None:
        """Start it again if it is dead. Errors: FactoryError where that happens too often."""
        code = self.process.poll()
        if code is None:
            return
        now = time.monotonic()
        self.deaths = [then for then in self.deaths if now - then < WINDOW_SECONDS] + [now]
        if len(self.deaths) > RESTARTS:
            raise FactoryError(f"the {self.name} died {len(self.deaths)} times in an hour", expected="it running", fix=f"read {self.log}")
        say(f"the {self.name} ended with {code}; it is started again")
        children.stop(self.process, 0)  # what it left behind in its session
        self.start()


def family(settings: Settings, config: Path, workspace: Workspace, address: Address) -> list[Child]:
    """Server and worker, in the order in which they start; they stop the other way round."""
    shared = environment(settings, workspace, address)
    listen = [
        "--factory",
        "prefect.server.api.server:create_app",
        "--host",
        address.host,
        "--port",
        str(address.port),
        "--log-level",
        "warning",
    ]
    urls = [f"{address.api}/deployments/name/{name}/{settings.name}" for name in names(settings)]
    worker = [str(config.resolve()), str(workspace.root.resolve())]
    # A deployment of an earlier life is in the database already: the worker is ready when it has written its own.
    since = datetime.now(UTC).isoformat()

    def registered() -> bool:
        found = [call(url) for url in urls]
        return all(isinstance(row, dict) and row.get("updated", "") >= since for row in found)

    return [
        Child("server", "uvicorn", listen, shared, workspace.prefect / "server.log", lambda: call(f"{address.api}/health") is True),
        Child("worker", "flows.deployments", worker, shared, workspace.prefect / "worker.log", registered),
    ]


def bury(settings: Settings, address: Address, say: Callable[[str], None]) -> None:
    """Runs that the server takes for running, before any worker is there: their processes are gone. Each is told like a failure."""
    living = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}, "parent_task_run_id": {"is_null_": True}}}
    why = "its process ended with an earlier serve"
    for row in call(f"{address.api}/flow_runs/filter", living) or []:
        call(f"{address.api}/flow_runs/{row['id']}/set_state", {"state": {"type": "CRASHED", "message": why}})
        say(f"{row['name']} is marked as crashed: {why}")
        if settings.serve.webhook is not None:
            body = webhook.message(row["name"].partition(" ")[0], row["name"], why)
            webhook.send(settings.serve.webhook.get_secret_value(), body, settings.serve.webhook_seconds)


def catch_up(settings: Settings, workspace: Workspace, address: Address, say: Callable[[str], None]) -> None:
    """Start training of a latest version that was told but never came to its end: a crash, or a stop in the middle."""
    version = untrained(settings, workspace)
    if version is None or pending(workspace, settings.name) is not None:
        return  # trained, or the next rebuild tells of it
    deployment = call(f"{address.api}/deployments/name/train/{settings.name}")
    waiting = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}, "flows": {"name": {"any_": ["train"]}}}
    if isinstance(deployment, dict) and not call(f"{address.api}/flow_runs/filter", waiting):
        body = {"parameters": {"name": settings.name, "version": version}, "state": {"type": "SCHEDULED"}}
        if call(f"{address.api}/deployments/{deployment['id']}/create_flow_run", body) is not None:
            say(f"{settings.name} {version} was published and its training never ended: it is carried on")


def look_after(made: list[Child], say: Callable[[str], None]) -> None:
    """Keep the children alive until Ctrl-C or SIGTERM. Errors: FactoryError where one cannot be kept alive."""
    while True:
        for child in made:
            child.look(say)
        time.sleep(LOOK_SECONDS)


def stop(made: list[Child]) -> None:
    """Stop what runs, the worker first, so that its runs can still tell the server how they ended."""
    for child in reversed(made):
        if hasattr(child, "process"):
            children.stop(child.process, STOP_SECONDS)
