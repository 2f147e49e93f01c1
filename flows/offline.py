"""Prefect on one machine: an ephemeral server of its own, quiet, without telemetry, its files inside the workspace."""

import importlib.util
import os

from rubric_factory.errors import MissingExtraError
from rubric_factory.workspace import Workspace

# Only what nobody has set: a person with a Prefect server of their own (PREFECT_API_URL) keeps it.
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
}


def prepare(workspace: Workspace) -> None:
    """Set the environment of Prefect before its first import. Errors: MissingExtraError, WorkspaceError (no folder for its files)."""
    if importlib.util.find_spec("prefect") is None:
        raise MissingExtraError.of("prefect", "prefect")
    workspace.create()  # Prefect makes its home, but not the folder above it
    for name, value in {**QUIET, "PREFECT_HOME": str(workspace.prefect.resolve())}.items():
        os.environ.setdefault(name, value)
