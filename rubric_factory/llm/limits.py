"""How fast one server may be asked: a window of requests that adapts, buckets of requests and tokens per minute, a clock. No I/O here."""

import asyncio
import time

# Of a minute's budget, what may be spent at one moment.
BURST_SECONDS = 1.0
# After a refusal half of the window stays, after slow answers nine tenths (multiplicative decrease: Chiu and Jain 1989).
THROTTLED, SLOW = 0.5, 0.9
# Weight of the newest answer in the mean latency.
_NEWEST = 0.1


class Clock:
    """Seconds that run `scale` times as fast as the wall clock: tests live through ten minutes in one second."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic() * self.scale

    async def sleep(self, seconds: float) -> None:
        """Wait so long on this clock."""
        await asyncio.sleep(seconds / self.scale)


class Bucket:
    """At most `per_minute` units a minute, BURST_SECONDS' worth of them at once. A unit is a request, or a token.

    A larger amount than the bucket holds is let through when it is full, and paid off before the next one. In any T seconds no more than
    per_minute / 60 * (T + BURST_SECONDS) units are spent, and one amount on top.
    """

    def __init__(self, per_minute: float, now: float) -> None:
        self._rate = per_minute / 60.0
        self._capacity = max(self._rate * BURST_SECONDS, 1.0)
        self._level, self._at = self._capacity, now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until the amount may be spent; 0: now."""
        self._fill(now)
        return max(0.0, (min(amount, self._capacity) - self._level) / self._rate)

    def spend(self, amount: float, now: float) -> None:
        """Take the amount out, below nothing if need be; a negative amount gives back."""
        self._fill(now)
        self._level = min(self._capacity, self._level - amount)

    def _fill(self, now: float) -> None:
        self._level = min(self._capacity, self._level + (now - self._at) * self._rate)
        self._at = now


class Window:
    """How many requests may be under way at one server: slow increase, multiplicative decrease, never above the ceiling.

    It starts at the ceiling, which a person has set. Two signals shrink it: 429, and a mean latency above slow_seconds. A reply to a
    request that was sent before the last cut says nothing about the window as it is now, and does not cut again. n answers to a window of
    n add sqrt(n).
    """

    def __init__(self, ceiling: int, slow_seconds: float) -> None:
        self.ceiling, self._slow_seconds = ceiling, slow_seconds
        self._limit = float(ceiling)
        self._latency = 0.0
        self._cut_at = float("-inf")

    @property
    def limit(self) -> int:
        """Requests that may be under way, at least 1."""
        return int(self._limit)

    def answered(self, seconds: float, sent: float, now: float) -> None:
        """Take note of an answer, or a timeout, after so many seconds; sent, now: on the clock."""
        self._latency += _NEWEST * (seconds - self._latency) if self._latency else seconds
        if self._latency > self._slow_seconds:
            self._cut(SLOW, sent, now)
        elif self._limit < self.ceiling:
            self._limit = min(float(self.ceiling), self._limit + self._limit**-0.5)

    def throttled(self, sent: float, now: float) -> None:
        """Take note of a 429."""
        self._cut(THROTTLED, sent, now)

    def _cut(self, share: float, sent: float, now: float) -> None:
        if sent >= self._cut_at:
            self._limit = max(1.0, self._limit * share)
            self._cut_at = now
