"""Real servers on 127.0.0.1 for the tests of the daily jobs: a webhook receiver, and `rubric-factory serve` as a process."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from conftest import ROOT

SECRET = "/hook/of-a-secret"
BUSY = 60  # tries: the server answers 503 while its database is locked, and its own clients ask again


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Hook(ThreadingHTTPServer):
    """A webhook on 127.0.0.1 that keeps what it is sent, and answers with the statuses in turn, the last for ever."""

    daemon_threads = True

    def __init__(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.got: list[tuple[str, dict]] = []
        self.statuses, self.extra = list(statuses), headers or {}
        super().__init__(("127.0.0.1", 0), HookHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{SECRET}"


class HookHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, body))
        self.send_response(self.server.statuses.pop(0) if len(self.server.statuses) > 1 else self.server.statuses[0])
        for name, value in self.server.extra.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


class Served:
    """`rubric-factory serve` as a process, talked to over its API."""

    def __init__(self, folder: Path, hook: str) -> None:
        self.folder, self.port = folder, free_port()
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "RUBRIC_FACTORY_SERVE__WEBHOOK": hook}

    def start(self) -> None:
        command = [sys.executable, "-m", "flows.cli", "serve", "--port", str(self.port), "--json"]
        with (self.folder / "serve.err").open("ab") as err:
            self.process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=err, text=True)
        line = self.process.stdout.readline()
        assert line, (self.folder / "serve.err").read_text(encoding="utf-8")
        assert json.loads(line)["address"] == f"http://127.0.0.1:{self.port}"

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    def call(self, path: str, body: dict | None = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"})
        for left in reversed(range(BUSY)):
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    return json.loads(reply.read())
            except urllib.error.HTTPError as error:
                if error.code != 503 or not left:
                    raise
                time.sleep(1)
        raise AssertionError

    def trigger(self, flow: str, **parameters) -> str:
        deployment = self.call(f"/api/deployments/name/{flow}/tiny")["id"]
        return self.call(f"/api/deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]

    def runs(self, flow: str) -> list[dict]:
        wanted = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_ASC"}
        return [run for run in self.call("/api/flow_runs/filter", wanted) if run["state_name"] != "Scheduled" or not run["auto_scheduled"]]

    def wait(self, flow: str, count: int) -> list[dict]:
        """The runs of a flow, once `count` of them have ended."""
        for _ in range(180):
            ended = [run for run in self.runs(flow) if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED")]
            if len(ended) >= count:
                return ended
            time.sleep(1)
        raise AssertionError((self.folder / "ws/prefect/worker.log").read_text(encoding="utf-8")[-4000:])

    def events(self, name: str) -> int:
        since = "2020-01-01T00:00:00Z"
        found = self.call("/api/events/filter", {"filter": {"event": {"name": [name]}, "occurred": {"since": since}}, "limit": 50})
        return len(found["events"])
