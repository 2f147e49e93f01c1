"""OSTI reports as a source: a search is listed page by page, then every full text is fetched; both continue where a stop left them."""

import asyncio
import dataclasses
import hashlib
import itertools
import json
import time
from collections.abc import Iterator

from yarl import URL

from rubric_factory.errors import SourceError
from rubric_factory.progress import Progress, Step
from rubric_factory.settings.remote_sources import OstiSource
from rubric_factory.sources.acquire import DAY_SECONDS, Acquisition, Terms, Wanted
from rubric_factory.sources.failed import Failed
from rubric_factory.sources.fetch_index import FetchIndex, Listed, Listing
from rubric_factory.sources.http_fetch import Buffer, Fetcher
from rubric_factory.sources.osti_records import BadPage, Page, read_page
from rubric_factory.sources.protocol import Entry, Problem, Reader
from rubric_factory.sources.remote_entry import remote_entry
from rubric_factory.workspace import Workspace

PAGE_BYTES = 64 * 1024 * 1024
# So many pages without a new record, and the server is going round in circles.
STALE_PAGES = 5


def is_pdf(head: bytes) -> Problem | None:
    """A problem where the first bytes are not a PDF's; readers allow for some bytes before its mark."""
    if b"%PDF-" in head:
        return None
    shown = "an HTML page" if b"<html" in head.lower() or b"<!doctype html" in head.lower() else f"bytes that begin {head[:12]!r}"
    return ("not_pdf", f"the full-text link led to {shown}")


class Osti(Reader):
    """Records of one search, by OSTI id."""

    remote = True

    def __init__(self, source: OstiSource, workspace: Workspace, *, max_bytes: int) -> None:
        super().__init__(source.name, f"{source.base_url} {source.query}".strip())
        self._source, self._originals = source, workspace.originals
        self._terms = Terms(source.network, max_bytes, source.refresh_days, "application/pdf, */*;q=0.1", is_pdf)

    def acquire(self, progress: Progress, limit: int | None = None) -> None:
        """List what is due, then ask for every full text that is. Errors: SourceError without any answer; WorkspaceError."""
        most = min(self._source.max_documents, limit or self._source.max_documents)
        with FetchIndex(self._originals, make=True) as index:
            listing = self._listing_due(index, most)
            if listing is not None:
                with progress.step(f"list {self.name}", most, "records") as step:
                    asyncio.run(self._list(index, listing, most, step))
            since = self._since(index)
            listed = itertools.islice(index.listed(self.name, since), limit)
            found = [Wanted(item.item, item.url) for item in listed if item.problem is None]
            Acquisition(self.name, index, self._originals, self._terms).run(found, progress, partial=limit is not None)

    def entries(self) -> Iterator[Entry]:
        """What was listed, in the order of OSTI ids; nothing before the first ingest."""
        if not FetchIndex.exists(self._originals):
            return
        with FetchIndex(self._originals, make=False) as index:
            for item in index.listed(self.name, self._since(index)):
                state = index.state(self.name, item.item) if item.problem is None else None
                yield remote_entry(self._source, self._originals, item.item, item.url, state, item.problem, item.metadata)

    def _query(self) -> str:
        """Digest of everything that decides which records come."""
        asked = [self._source.base_url, self._source.query, sorted(self._source.parameters.items()), self._source.rows]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def _since(self, index: FetchIndex) -> float:
        """Items seen before are not of this search, or gone from it."""
        listing = index.listing(self.name)
        return listing.valid_from if listing is not None and listing.query == self._query() else float("inf")

    def _listing_due(self, index: FetchIndex, most: int) -> Listing | None:
        """The listing to begin or to continue; None where what is listed is fresh, or enough."""
        now = time.time()
        last = index.listing(self.name)
        if last is None or last.query != self._query():
            return Listing(self._query(), now, valid_from=now)
        if index.count_listed(self.name, last.valid_from) >= most:
            return None
        if not last.complete:
            return last
        if last.started_at > now - self._source.listing_days * DAY_SECONDS:
            return None
        return Listing(self._query(), now, valid_from=last.valid_from)

    async def _list(self, index: FetchIndex, listing: Listing, most: int, step: Step) -> None:
        """Ask for pages until the end, `most` items, or a page that cannot be had: the next ingest continues there."""
        step.advance(listing.records)
        async with Fetcher(self._source.network) as fetcher:
            while not listing.complete and index.count_listed(self.name, listing.valid_from) < most:
                try:
                    page = await self._page(fetcher, listing.next_page)
                except (Failed, BadPage) as error:
                    self._stopped(index, listing, error, step)
                    return
                listing = self._take(index, listing, page)
                step.total = None if listing.total < 0 else min(listing.total, self._source.max_documents)
                step.advance(len(page.items))

    def _take(self, index: FetchIndex, listing: Listing, page: Page) -> Listing:
        """Store a page: items that are new only while there is room. What the listing is afterwards."""
        room = self._source.max_documents - index.count_listed(self.name, listing.valid_from)
        taken: dict[str, Listed] = {}
        for item in page.items:
            if item.item in taken or room > 0 or index.is_listed(self.name, item.item, listing.valid_from):
                room -= item.item not in taken
                taken[item.item] = item
        before = index.count_listed(self.name, listing.started_at)
        index.list_page(self.name, listing, list(taken.values()))
        listing = advance(listing, page, before, index.count_listed(self.name, listing.started_at))
        index.list_page(self.name, listing)
        return listing

    async def _page(self, fetcher: Fetcher, number: int) -> Page:
        """One page of the search; one that is not JSON is asked for once more. Errors: Failed, BadPage."""
        words = {"q": self._source.query} if self._source.query else {}
        asked = {**words, **self._source.parameters, "rows": str(self._source.rows), "page": str(number)}
        url = str(URL(self._source.base_url).with_query(asked))
        body = Buffer()
        for last in (False, True):
            answer = await fetcher.fetch(url, body, max_bytes=PAGE_BYTES, accept="application/json", robots=False)
            try:
                return read_page(bytes(body), answer.headers or {})
            except BadPage:
                if last:
                    raise
        raise AssertionError("the second try returns or raises")

    def _stopped(self, index: FetchIndex, listing: Listing, error: Failed | BadPage, step: Step) -> None:
        """Go on with what is listed; without anything, there is no source. Errors: SourceError."""
        why = f"page {listing.next_page} of the search: {error}"
        if not index.count_listed(self.name, listing.valid_from):
            silent = isinstance(error, Failed) and not error.answered
            raise SourceError(
                f"the source {self.name} cannot be listed; {why}",
                expected="a network" if silent else f"the OSTI records API at {self._source.base_url}",
                fix="check the connection (or set network.proxy of the source), then run again: it continues"
                if silent
                else "check query, parameters and base_url of the source, or try again later",
            )
        step.note = f"stopped at {why}; what was listed is used, and the next ingest continues there"


def advance(listing: Listing, page: Page, before: int, after: int) -> Listing:
    """The listing after a page; before, after: distinct items seen by this listing. Pure.

    Pages shift while records come and go, so a listing that ends with fewer items than the server ever counted has a second look, which
    counts anew. Items that it did not see are gone only where it saw as many as there are.
    """
    total = max(listing.total, page.total)
    records = listing.records + len(page.items)
    idle = listing.idle + 1 if after == before else 0
    now = dataclasses.replace(listing, next_page=listing.next_page + 1, records=records, total=total, idle=idle)
    more = page.more if page.more is not None else total < 0 or records < total
    circling = idle >= STALE_PAGES and records >= total
    if page.items and more and not circling:
        return now
    if listing.pass_ == 1 and after < total:
        return dataclasses.replace(now, next_page=1, records=0, total=-1, pass_=2, idle=0)
    whole = after >= max(total, 1)
    return dataclasses.replace(now, complete=True, valid_from=listing.started_at if whole else listing.valid_from)
