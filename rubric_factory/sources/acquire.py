"""What is wanted of remote hosts, fetched: host by host, politely, resumable item by item."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rubric_factory.errors import SourceError
from rubric_factory.progress import Progress, Step
from rubric_factory.settings.network import NetworkSettings
from rubric_factory.sources.failed import Failed
from rubric_factory.sources.fetch_index import Fetched, FetchIndex, State
from rubric_factory.sources.http_fetch import Fetcher, Validators
from rubric_factory.sources.originals import Part, original_path, remove_parts
from rubric_factory.sources.protocol import Problem
from rubric_factory.sources.urls import BadUrl, parse

DAY_SECONDS = 86_400.0
# So many failures without a single answer, and nobody else is asked: there is no network.
SILENCE = 20

# First bytes of a body to the reason why it is not taken.
Accept = Callable[[bytes], Problem | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One item and the URL of its bytes."""

    item: str
    url: str


@dataclass(frozen=True)
class Terms:
    """How a source is asked. refresh_days: confirmed so lately, an item is not asked for; accept_header: media types wanted."""

    network: NetworkSettings
    max_bytes: int
    refresh_days: float
    accept_header: str = "*/*"
    accept: Accept = lambda head: None


def is_due(state: State | None, wanted: Wanted, originals: Path, round_start: float, refresh_days: float) -> bool:
    """Whether an item is to be asked for in the round that began at round_start (seconds since 1970)."""
    if state is None or state.fetched.url != wanted.url:
        return True
    if state.again and state.at < round_start:
        return True
    if state.fetched.sha256 and not original_path(originals, state.fetched.sha256).exists():
        return True
    return state.at < round_start - refresh_days * DAY_SECONDS


@dataclass
class Acquisition:
    """One round of one source: `run` asks for everything due. Errors: SourceError where nothing was ever had and nobody answers."""

    source: str
    index: FetchIndex
    originals: Path
    terms: Terms
    _step: Step = field(init=False)
    _answered: bool = field(init=False, default=False)
    _silent: list[tuple[Wanted, Failed]] = field(init=False, default_factory=list)
    _stale: int = field(init=False, default=0)

    def run(self, wanted: Iterable[Wanted], progress: Progress, *, partial: bool = False) -> None:
        """Ask for the due ones of `wanted`. partial: these are not all that the source has, so its round goes on."""
        remove_parts(self.originals)
        start = self.index.begin_round(self.source, time.time())
        due = [w for w in wanted if is_due(self.index.state(self.source, w.item), w, self.originals, start, self.terms.refresh_days)]
        if due:
            with progress.step(f"fetch {self.source}", len(due), "documents") as step:
                self._step = step
                asyncio.run(self._ask_all(due))
                self._conclude(step)
        if not partial and not self._quiet:
            self.index.end_round(self.source, start)

    @property
    def _quiet(self) -> bool:
        return bool(self._silent) and not self._answered

    async def _ask_all(self, due: Sequence[Wanted]) -> None:
        hosts: dict[str, deque[Wanted]] = {}
        for wanted in due:
            hosts.setdefault(_host(wanted.url), deque()).append(wanted)
        async with Fetcher(self.terms.network) as fetcher:
            tasks = [
                asyncio.create_task(self._ask_host(fetcher, queue))
                for queue in hosts.values()
                for _ in range(min(self.terms.network.host_concurrency, len(queue)))
            ]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_host(self, fetcher: Fetcher, queue: deque[Wanted]) -> None:
        while queue and not (self._quiet and len(self._silent) >= SILENCE):
            wanted = queue.popleft()
            await self._ask(fetcher, wanted)
            self._step.advance()

    async def _ask(self, fetcher: Fetcher, wanted: Wanted) -> None:
        before = self.index.state(self.source, wanted.item)
        known = self._validators(before, wanted)
        with Part(self.originals) as part:
            try:
                answer = await fetcher.fetch(wanted.url, part, max_bytes=self.terms.max_bytes, known=known, accept=self.terms.accept_header)
            except Failed as failed:
                self._failed(wanted, before, failed)
                return
            self._heard()
            if answer.status == 304 and before is not None and known is not None:
                self.index.settle(self.source, wanted.item, before.fetched, time.time())
                return
            problem = ("empty", "0 bytes") if part.size_bytes == 0 else self.terms.accept(part.head)
            if problem is not None:
                self._record(wanted, problem)
                return
            kept = part.keep()
        found = Fetched(wanted.url, answer.url, kept.sha256, kept.size_bytes, etag=answer.etag, last_modified=answer.last_modified)
        self.index.settle(self.source, wanted.item, found, time.time())

    def _validators(self, before: State | None, wanted: Wanted) -> Validators | None:
        """What makes the request conditional: only where the bytes it would spare are really there."""
        if before is None or not before.fetched.sha256 or before.fetched.url != wanted.url:
            return None
        if not original_path(self.originals, before.fetched.sha256).exists():
            return None
        return Validators(before.fetched.final_url, before.fetched.etag, before.fetched.last_modified)

    def _failed(self, wanted: Wanted, before: State | None, failed: Failed) -> None:
        if failed.answered:
            self._heard()
        elif not self._answered:
            self._silent.append((wanted, failed))  # told apart at the end: a host that is down, or no network
            return
        self._settle_failure(wanted, before, failed)

    def _settle_failure(self, wanted: Wanted, before: State | None, failed: Failed) -> None:
        if failed.transient and before is not None and before.fetched.sha256 and before.fetched.url == wanted.url:
            self._stale += 1
            self.index.ask_again(self.source, wanted.item)
        else:
            self._record(wanted, failed.problem, again=failed.transient)

    def _record(self, wanted: Wanted, problem: Problem, *, again: bool = False) -> None:
        reason, detail = problem
        self.index.settle(self.source, wanted.item, Fetched(wanted.url, reason=reason, detail=detail), time.time(), again=again)

    def _heard(self) -> None:
        """Somebody answered: there is a network, and the failures so far are the hosts' own."""
        self._answered = True
        silent, self._silent = self._silent, []
        for wanted, failed in silent:
            self._settle_failure(wanted, self.index.state(self.source, wanted.item), failed)

    def _conclude(self, step: Step) -> None:
        if self._stale:
            step.note = f"{self._stale} documents could not be asked for again; what was had of them stays"
        if not self._quiet:
            return
        first = self._silent[0][1]
        if not self.index.acquired(self.source):
            raise SourceError(
                f"no answer from any host of the source {self.source}: {first.detail}",
                expected="a network",
                fix="check the connection (or set network.proxy of the source), then run again: it continues",
            )
        step.note = f"nobody answered ({first.detail}); what was fetched before is used"


def _host(url: str) -> str:
    try:
        return parse(url).raw_host or ""
    except BadUrl:
        return ""
