"""Failures told to a webhook: one JSON object a failure; a webhook that fails is logged and fails nothing."""

import json
import logging
import os
import urllib.error
import urllib.request
from typing import Any

from rubric_factory.text import printable

# Set by `serve` for its worker, so that even a run whose configuration cannot be read is reported.
ADDRESS, SECONDS = "RUBRIC_FACTORY_SERVE__WEBHOOK", "RUBRIC_FACTORY_SERVE__WEBHOOK_SECONDS"
TRIES = 2
ERROR_CHARACTERS = 2000

_log = logging.getLogger("rubric_factory.webhook")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect may lead anywhere: it is a failure."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse."""
        return


def message(flow: str, run: str, error: str) -> dict[str, str]:
    """What is sent: {event, flow, run, error}; text made printable and cut."""
    return {"event": "job.failed", "flow": flow, "run": printable(run, 200), "error": printable(error, ERROR_CHARACTERS)}


def send(address: str, body: dict[str, str], seconds: float) -> bool:
    """POST body as JSON to an http(s) address, twice at most; whether it was accepted. Nothing is raised."""
    if not address.startswith(("http://", "https://")):
        _log.warning("the webhook is no http(s) address; nothing was sent")
        return False
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST")
    opener = urllib.request.build_opener(_NoRedirect)
    why = ""
    for _ in range(TRIES):
        try:
            with opener.open(request, timeout=seconds):
                return True
        except (OSError, ValueError, urllib.error.URLError) as error:
            why = type(error).__name__  # its text may hold the address
    _log.warning("the webhook did not take the failure of %s after %d tries: %s", body["flow"], TRIES, why)
    return False


def notify(flow: Any, flow_run: Any, state: Any) -> None:
    """Prefect hook for failed and crashed runs."""
    address = os.environ.get(ADDRESS, "")
    if address:
        send(address, message(flow.name, flow_run.name, state.message or state.name), float(os.environ.get(SECONDS, "10")))
