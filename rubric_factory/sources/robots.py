"""robots.txt (RFC 9309): asked once a run and origin, under the same policy as everything else, and obeyed at every redirect.

No file (4xx): everything is allowed. A server that cannot say (429, 5xx): nothing is. A host that does not answer at all has failed for its
documents too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yarl import URL

from rubric_factory.errors import MissingExtraError
from rubric_factory.sources.failed import Failed
from rubric_factory.sources.urls import origin

if TYPE_CHECKING:
    from protego import Protego

MAX_BYTES = 512 * 1024  # RFC 9309 asks for 500 KiB at least
_NO_RULES = frozenset(("http_status", "empty", "too_many_redirects", "redirect_refused"))

# URL and cap in bytes to the body. Errors: Failed.
Read = Callable[[URL, int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one origin says. failed: nothing may be asked of it, for this reason."""

    parsed: "Protego | None" = None
    failed: Failed | None = None


def parse_rules(text: str) -> "Protego":
    """The rules of a robots.txt. Errors: MissingExtraError."""
    try:
        from protego import Protego
    except ImportError:
        raise MissingExtraError.of("protego", "pipeline") from None
    return Protego.parse(text)


class Robots:
    """Rules of all origins of one run. agent: the product token that rules are addressed to."""

    def __init__(self, agent: str, read: Read, slow: Callable[[URL, float], None], max_delay: float) -> None:
        self._agent, self._read, self._slow, self._max_delay = agent, read, slow, max_delay
        self._asked: dict[str, asyncio.Task[Rules]] = {}

    async def check(self, url: URL) -> None:
        """Errors: Failed where the URL must not be asked for (robots), or nobody can say whether (robots_unavailable, transport…)."""
        key = origin(url)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._ask(url))
        rules = await asyncio.shield(self._asked[key])
        if rules.failed is not None:
            failed = rules.failed
            raise Failed(failed.reason, failed.detail, transient=failed.transient, answered=failed.answered, tried=True)
        if rules.parsed is not None and not rules.parsed.can_fetch(str(url), self._agent):
            raise Failed("robots", f"{key}/robots.txt disallows it")

    async def _ask(self, url: URL) -> Rules:
        try:
            body = await self._read(url.with_path("/robots.txt"), MAX_BYTES)
        except Failed as failed:
            return self._without(failed)
        rules = parse_rules(body.decode("utf-8", "replace").removeprefix("\ufeff"))
        delay = rules.crawl_delay(self._agent) or 0.0
        if delay > self._max_delay:
            return Rules(
                failed=Failed("robots", f"robots.txt wants {delay:g} s between requests, at most {self._max_delay:g} s are waited")
            )
        if delay > 0:
            self._slow(url, delay)
        return Rules(rules)

    def _without(self, failed: Failed) -> Rules:
        """What holds where robots.txt could not be read."""
        if failed.reason in _NO_RULES:
            return Rules()
        if failed.reason == "server_busy":
            return Rules(failed=Failed("robots_unavailable", f"robots.txt: {failed.detail}", transient=True))
        if failed.reason == "too_large":
            return Rules(failed=Failed("robots", f"robots.txt is larger than {MAX_BYTES} bytes"))
        return Rules(failed=failed)
