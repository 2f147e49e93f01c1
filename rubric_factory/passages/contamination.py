"""Which passages repeat items of a benchmark: shared runs of words, with the span they cover in the passage.

Source: Brown et al. 2020, appendix C (13-grams). An item shorter than a run is looked for whole, from MIN_WORDS words on; a shorter one
would meet everywhere and is left out, and counted.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rubric_factory.errors import ConfigurationError
from rubric_factory.passages.shingles import run_hashes
from rubric_factory.settings.passages import DecontaminateSettings
from rubric_factory.text import printable, words

MIN_WORDS = 8
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Hit:
    """Distinct runs of one item in a passage, however often each occurs.

    start, end: characters of the passage from the first shared run to the last; share: of the item.
    """

    item: str
    runs: int
    share: float
    start: int
    end: int

    def detail(self, offset: int) -> str:
        """One line for a person; the span also as characters of the document, where the passage starts at offset."""
        return (
            f"{self.runs} runs of {self.item} ({self.share:.0%} of it) in characters {self.start}-{self.end} of the passage, "
            f"{offset + self.start}-{offset + self.end} of the document"
        )


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Runs of all items by their length: sorted hashes, and the item of each. names and totals (runs an item has): by item."""

    runs: dict[int, tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    totals: tuple[int, ...] = ()
    too_short: int = 0

    def hit(self, text: str, tokens: Sequence[str], settings: DecontaminateSettings) -> Hit | None:
        """The item that shares most runs with a passage, if they are enough to refuse it; the first of equals."""
        shared: dict[int, set[int]] = {}
        places: dict[int, list[tuple[int, int]]] = {}
        for size, (known, items) in self.runs.items():
            hashes = run_hashes(tokens, size)
            left, right = np.searchsorted(known, hashes, side="left"), np.searchsorted(known, hashes, side="right")
            for at in np.flatnonzero(right > left):
                for item in map(int, items[left[at] : right[at]]):
                    shared.setdefault(item, set()).add(int(hashes[at]))
                    places.setdefault(item, []).append((int(at), int(at) + size))
        best: tuple[int, int] | None = None
        for item, runs in sorted(shared.items()):
            enough = len(runs) >= min(settings.hits, self.totals[item]) and len(runs) / self.totals[item] >= settings.share
            if enough and (best is None or len(runs) > best[0]):
                best = (len(runs), item)
        if best is None:
            return None
        count, item = best
        spans = _token_spans(text, len(tokens))
        start, end = spans[min(first for first, _ in places[item])][0], spans[max(last for _, last in places[item]) - 1][1]
        return Hit(self.names[item], count, count / self.totals[item], start, end)


NO_BENCHMARK = Benchmark()


def _token_spans(text: str, count: int) -> list[tuple[int, int]]:
    """Where each of the `count` words lies; everywhere, where lower case has other words (a Turkish capital can split one)."""
    spans = [match.span() for match in _WORD.finditer(text)]
    return spans if len(spans) == count else [(0, len(text))] * count


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the benchmark file {path}: {error.strerror or error}",
            expected="a readable file",
            fix="correct passages.decontaminate.files",
        ) from None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)


def _items(path: Path, name: str) -> Iterator[tuple[str, str]]:
    """(name, text) of each item of a file. Errors: ConfigurationError for an unreadable file, a bad line, a missing field."""
    text = _read(path)
    if path.suffix not in (".jsonl", ".ndjson", ".json"):
        for number, paragraph in enumerate((part for part in text.split("\n\n") if part.strip()), 1):
            yield f"{printable(path.name, 60)} paragraph {number}", paragraph
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            value = found[name]
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(
                f"line {number} of the benchmark file {path} has no field {name!r}",
                expected="one JSON object a line, each with that field",
                fix="correct the file or passages.decontaminate.field",
            ) from None
        yield f"{printable(path.name, 60)} line {number}", " \n".join(_texts(value))


def load_benchmark(settings: DecontaminateSettings) -> Benchmark:
    """All items of the files as runs. Errors: ConfigurationError."""
    gathered: dict[int, list[tuple[npt.NDArray[np.uint64], int]]] = {}
    names: list[str] = []
    totals: list[int] = []
    too_short = 0
    for path in settings.files:
        for name, text in _items(path, settings.field):
            tokens = words(text)
            if len(tokens) < min(MIN_WORDS, settings.words):
                too_short += 1
                continue
            size = min(settings.words, len(tokens))
            hashes = np.unique(run_hashes(tokens, size))
            gathered.setdefault(size, []).append((hashes, len(names)))
            names.append(name)
            totals.append(len(hashes))
    runs = {}
    for size, parts in sorted(gathered.items()):
        hashes = np.concatenate([part for part, _ in parts])
        items = np.concatenate([np.full(len(part), item, dtype=np.int32) for part, item in parts])
        order = np.argsort(hashes, kind="stable")
        runs[size] = (hashes[order], items[order])
    return Benchmark(runs, tuple(names), tuple(totals), too_short)


def benchmark_digest(settings: DecontaminateSettings) -> str:
    """sha256 over bytes of the files and how they are read; their paths do not count. Errors: ConfigurationError."""
    digest = hashlib.sha256(settings.model_dump_json(exclude={"files"}).encode())
    for path in settings.files:
        digest.update(hashlib.sha256(_read(path).encode("utf-8", "surrogatepass")).digest())
        digest.update(printable(path.name, 60).encode())
    return digest.hexdigest()
