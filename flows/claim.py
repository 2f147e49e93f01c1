"""The claim on a run folder: one trainer at a time, for as long as any process of it lives, however it ends."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from rubric_factory.errors import WorkspaceError
from rubric_factory.workspace import disk_error

CLAIM = "claim.lock"


class UnderWayError(WorkspaceError):
    """Another process works on this run right now."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[int]:
    """Hold the claim on a run; its file descriptor, to be handed to the training process: whoever has it keeps the claim alive.

    The kernel frees it with its last holder, so a crash leaves nothing behind. Errors: UnderWayError, WorkspaceError.
    """
    try:
        handle = (folder / CLAIM).open("a+")
    except OSError as error:
        raise disk_error(error, folder / CLAIM) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UnderWayError(f"the run {folder.name} is under way", expected="one trainer a run", fix="wait for it") from None
        yield handle.fileno()
