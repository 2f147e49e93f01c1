"""Live progress: what, how many of how many, rate, time left; on a terminal a bar, elsewhere a line now and then.

Each step also keeps progress/<stage>.json, which `status` reads from another terminal.
"""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from rubric_factory.errors import FactoryError
from rubric_factory.text import printable

LINE_SECONDS = 10.0
FILE_SECONDS = 1.0


def duration(seconds: float) -> str:
    """Seconds as 1:02:03 or 02:03."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    clock = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{clock}" if hours else clock


@dataclass
class Step:
    """One running step; total is None where the end is unknown. note: the last thing that went wrong, shown at the end and by `status`."""

    name: str
    unit: str
    total: int | None
    stream: TextIO
    file: Path | None
    done: int = 0
    note: str = ""
    started: float = field(default_factory=time.monotonic)
    _shown: float = 0.0
    _saved: float = 0.0

    def advance(self, count: int = 1) -> None:
        """Count finished units and show them if it is time."""
        self.done += count
        now = time.monotonic()
        if now - self._shown >= (0.2 if self.stream.isatty() else LINE_SECONDS):
            self._shown = now
            self._show(end="\r" if self.stream.isatty() else "\n")
        if now - self._saved >= FILE_SECONDS:
            self._saved = now
            self._save("running")

    def line(self) -> str:
        """'ingest  120/400 documents  35.2/s  00:08 left'."""
        elapsed = max(time.monotonic() - self.started, 1e-9)
        rate = self.done / elapsed
        of = f"/{self.total}" if self.total is not None else ""
        left = f"  {duration((self.total - self.done) / rate)} left" if self.total is not None and rate > 0 else ""
        return f"{self.name:<10} {self.done}{of} {self.unit}  {rate:.1f}/s{left}"

    def _show(self, end: str) -> None:
        clear = "\x1b[2K" if self.stream.isatty() else ""
        self.stream.write(f"{clear}{self.line()}{end}")
        self.stream.flush()

    def _save(self, state: str) -> None:
        if self.file is None:
            return
        row = {"stage": self.name, "state": state, "done": self.done, "total": self.total, "unit": self.unit}
        row |= {"time": time.time(), "note": self.note}
        with contextlib.suppress(OSError):
            temporary = self.file.with_suffix(".part")
            self.file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(row), encoding="utf-8")
            temporary.rename(self.file)

    def finish(self, state: str) -> None:
        """Show the closing line and save the closing state: done or stopped."""
        elapsed = time.monotonic() - self.started
        clear = "\x1b[2K" if self.stream.isatty() else ""
        of = f"/{self.total}" if self.total is not None and self.total != self.done else ""
        word = "" if state == "done" else "  stopped"
        self.stream.write(f"{clear}{self.name:<10} {self.done}{of} {self.unit}  in {elapsed:.1f} s{word}\n")
        if self.note and state == "done":
            self.stream.write(f"{'':<10} {self.note}\n")
        self.stream.flush()
        self._save(state)


@dataclass(frozen=True)
class Progress:
    """Where steps are shown (stderr) and saved (folder, optional). quiet: nothing is shown."""

    folder: Path | None = None
    quiet: bool = False
    stream: TextIO | None = None

    @contextlib.contextmanager
    def step(self, name: str, total: int | None, unit: str) -> Iterator[Step]:
        """Run one step under progress; an exception is shown as 'stopped' and goes on up."""
        with contextlib.ExitStack() as stack:
            stream = self.stream or sys.stderr
            if self.quiet:
                stream = stack.enter_context(Path("/dev/null").open("w", encoding="utf-8"))
            step = Step(name, unit, total, stream, self.folder / f"{name}.json" if self.folder else None)
            try:
                yield step
            except BaseException as error:
                step.note = printable(str(error), 400) if isinstance(error, FactoryError) else step.note
                step.finish("stopped")
                raise
            step.finish("done")
