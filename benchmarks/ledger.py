"""What the ledger costs: CPU per call with many under way, answers coming back as a server would send them. No HTTP, a real disk.

python benchmarks/ledger.py [--folder DIR] [--calls N]: prompts of 6 KB, replies of 2 KB, latency 0.8 to 1.2 s, synchronous=FULL.
"""

import argparse
import heapq
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from rubric_factory.ledger import Ledger
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.protocol import Backend, Completion, Ready, Request
from rubric_factory.records import Message

HAND_OVER = 0.02
WORDS = [
    "viscosity",
    "of",
    "the",
    "polymer",
    "melt",
    "rises",
    "with",
    "its",
    "molar",
    "mass",
    "while",
    "the",
    "shear",
    "rate",
    "stays",
    "below",
    "the",
    "critical",
    "value",
]


def prose(draw: random.Random, characters: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(characters // 5))[:characters]


class Clockwork(Backend):
    """Answers after a drawn latency, handed over every HAND_OVER seconds as the HTTP client does. groups: how many at a time."""

    def __init__(self, concurrency: int) -> None:
        super().__init__("m", "r", "clockwork")
        self._concurrency, self._draw = concurrency + concurrency // 8, random.Random(1)
        self._next = 0.0
        self._reply = prose(self._draw, 2000)
        self.groups: list[int] = []

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        due: list[tuple[float, str]] = []
        for request in requests:
            if request is not None:
                heapq.heappush(due, (time.monotonic() + self._draw.uniform(0.8, 1.2), request.request_id))
            if request is None or len(due) >= self._concurrency:
                yield self._ready(due, wait=request is not None)
        while due:
            yield self._ready(due, wait=True)

    def _ready(self, due: list[tuple[float, str]], *, wait: bool) -> Ready:
        if wait:
            time.sleep(max(0.0, due[0][0] - time.monotonic(), self._next - time.monotonic()))
            self._next = time.monotonic() + HAND_OVER
        now, ready = time.monotonic(), []
        while due and due[0][0] <= now:
            ready.append((heapq.heappop(due)[1], Completion(self._reply, prompt_tokens=1500, completion_tokens=500, seconds=1.0)))
        if ready:
            self.groups.append(len(ready))
        return ready


def requests(count: int) -> Iterator[Request]:
    draw = random.Random(2)
    system, pool = prose(draw, 3000), prose(draw, 30_000)
    for number in range(count):
        start = draw.randrange(27_000)
        user = f"question {number} {pool[start : start + 3000]}"
        yield Request(
            f"id{number}", (Message("system", system), Message("user", user)), 64, 0.0, 1.0, 7, None, f"passage {number}", "tasks"
        )


def measured(concurrency: int, calls: int, folder: Path | None) -> None:
    backend = Clockwork(concurrency)
    started = time.process_time()
    plain = sum(1 for request in backend.complete(requests(calls)) if request)
    bare = (time.process_time() - started) / plain
    started = time.process_time()
    for request in requests(calls):
        request.key("m", "r")
    bare += (time.process_time() - started) / calls
    backend.groups.clear()
    with tempfile.TemporaryDirectory(dir=folder) as place, Ledger(Path(place) / "ledger.sqlite") as ledger:
        started, clock = time.process_time(), time.monotonic()
        done = sum(1 for _ in Paid(backend, ledger, stage="author").complete(requests(calls)))
        cpu, wall = (time.process_time() - started) / done, time.monotonic() - clock
        size = (Path(place) / "ledger.sqlite").stat().st_size + (Path(place) / "ledger.sqlite-wal").stat().st_size
        warm = time.process_time()
        again = sum(completion.stored for _, completion in Paid(backend, ledger).complete(requests(calls)))
        warm = (time.process_time() - warm) / calls
    group = sum(backend.groups) / len(backend.groups)
    print(
        f"concurrency {concurrency}: {1e3 * (cpu - bare):.3f} ms CPU a call for the ledger ({1e3 * bare:.3f} without, key included),"
        f" {done / wall:.0f} calls/s, {group:.1f} answers a commit, {size / done:.0f} bytes a call;"
        f" warm {1e3 * warm:.3f} ms, {again} stored"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the ledger lies while it is measured")
    parser.add_argument("--calls", type=int, default=4000)
    chosen = parser.parse_args()
    for concurrency in (128, 512):
        measured(concurrency, chosen.calls, chosen.folder)


if __name__ == "__main__":
    main()
