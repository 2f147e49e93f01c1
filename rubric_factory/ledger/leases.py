"""Leases of calls in flight: a lease is a lock the kernel holds for its process, and so ends with it, however it ends."""

import fcntl
import os
import secrets
from pathlib import Path
from typing import TextIO


def _name() -> str:
    return f"{os.getpid()}-{secrets.token_hex(8)}"


class Leases:
    """One lock file per live owner, in a folder beside the ledger. owner: who holds it, final once `hold` has returned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: TextIO | None = None
        self.owner = _name()

    def hold(self) -> None:
        """Lock this owner's file, once. Locked before its name is written anywhere, so nobody can take it for a dead one."""
        while self._handle is None:
            self._folder.mkdir(exist_ok=True)
            handle = (self._folder / self.owner).open("x")
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle.fileno()).st_nlink:
                self._handle = handle
            else:  # made, and removed by who looked for dead owners before it was locked: what is locked has no name any more
                handle.close()
                self.owner = _name()

    def alive(self, owner: str) -> bool:
        """Whether the owner's process still runs; the file of a dead one is removed."""
        path = self._folder / owner
        try:
            with path.open() as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def others(self) -> list[str]:
        """Other owners that are alive; the files of dead ones are removed."""
        names = [path.name for path in self._folder.iterdir()] if self._folder.is_dir() else []
        return [name for name in sorted(names) if name != self.owner and self.alive(name)]

    def close(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            (self._folder / self.owner).unlink(missing_ok=True)
            self._handle.close()
            self._handle = None
