"""The event that makes a published version train: told to the server once it is published, and marked as told."""

import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rubric_factory.dataset_version import latest
from rubric_factory.errors import FactoryError
from rubric_factory.workspace import Workspace, write_text

DATASET_PUBLISHED = "dataset.published"
SECONDS = 30
LOCKED, TRIES, WAIT_SECONDS = 503, 6, 1.0  # what the server answers while its database is locked; it has then taken nothing


def resource_of(name: str) -> str:
    """The resource that events of a dataset are about."""
    return f"rubric-factory.dataset.{name}"


def _mark(workspace: Workspace, name: str, version: str) -> Path:
    return workspace.prefect / "announced" / f"{name}-{version}.json"


def pending(workspace: Workspace, name: str) -> str | None:
    """The latest version of a dataset, if it was not told yet; None where there is nothing new."""
    newest = latest(workspace.datasets, name)
    return newest.version if newest and not _mark(workspace, name, newest.version).exists() else None


def _post(url: str, rows: list[dict[str, Any]]) -> None:
    """Hand events to the server; on return it has them. Errors: FactoryError."""
    request = urllib.request.Request(url, json.dumps(rows).encode(), {"Content-Type": "application/json"}, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for left in reversed(range(TRIES)):
        try:
            with opener.open(request, timeout=SECONDS):
                return
        except OSError as error:
            if left and isinstance(error, urllib.error.HTTPError) and error.code == LOCKED:
                time.sleep(WAIT_SECONDS)
                continue
            raise FactoryError(f"the server at {url} did not take an event: {error}", fix="start `serve` again: it catches up") from None


def announce(workspace: Workspace, name: str, version: str) -> None:
    """Tell the server that a version is published, then mark it: a crash in between tells it twice, never not at all.

    Whoever listens must do the same version's work once. Errors: FactoryError, WorkspaceError.
    """
    from prefect.events import Event

    payload = {"name": name, "version": version}
    resource = {"prefect.resource.id": resource_of(name), "prefect.resource.name": f"{name} {version}"}
    event = Event(event=DATASET_PUBLISHED, resource=resource, payload=payload)
    _post(f"{os.environ['PREFECT_API_URL']}/events", [event.model_dump(mode="json")])
    write_text(_mark(workspace, name, version), json.dumps(payload) + "\n")
