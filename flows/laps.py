"""Where the wall time of a command went: disjoint laps from the start of the process on."""

import os
import time
from pathlib import Path


def process_age() -> float:
    """Seconds since this process began (10 ms steps); 0.0 where the system does not say."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0


class Laps:
    """A stop-watch whose laps share no instant and leave none out: they add up to the wall time of the process."""

    def __init__(self, age: float) -> None:
        """age: seconds of the process that lie before this moment; they belong to the first lap."""
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic() - age

    def lap(self, name: str) -> None:
        """End the current lap under this name; laps of one name add up."""
        now = time.monotonic()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now
