"""The quota, enforced as strictly as possible: with an exact log of the last second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from palm.clock import Clock, checked_clock

__all__ = ["SlidingWindow"]

_WINDOW_S: Final = 1.0


class SlidingWindow:
    """Lets at most ``limit`` requests through in any second; rejected ones do not count.

    How WeChat Pay counts is not documented. This is the strictest way: a client that is never
    rejected here keeps the quota under every way of counting.

    Args:
        limit: Requests per second; None: any number. It may be changed at any time, and then holds
            for the last second, too.
        clock: The time.
    """

    __slots__ = ("_clock", "_passed", "limit")

    def __init__(
        self, limit: int | None = None, *, clock: Clock | Callable[[], float] | None = None
    ) -> None:
        self.limit: int | None = limit
        self._clock = checked_clock(clock, reading="monotonic")
        self._passed: deque[float] = deque()

    def allow(self) -> bool:
        """Return True, and count the request, if a request that arrives now may pass."""
        now = self._clock.monotonic()
        passed = self._passed
        while passed and now - passed[0] >= _WINDOW_S:
            passed.popleft()
        if self.limit is not None and len(passed) >= self.limit:
            return False
        passed.append(now)
        return True
