"""The quota, as strictly as a gateway can hold it: an exact log of the last second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["SlidingWindow"]

_WINDOW_S: Final = 1.0


class SlidingWindow:
    """Lets at most ``limit`` requests through in any second; those refused do not count.

    Args:
        limit: Requests a second; None: any number. May be changed at any time, and then holds for
            the second that lies behind, too.
        clock: Seconds that never go back.

    How WeChat Pay counts is not documented. This is the strictest way: a client that is never
    refused here keeps the quota under every way of counting.
    """

    __slots__ = ("_clock", "_passed", "limit")

    def __init__(
        self, limit: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit = limit
        self._clock = clock
        self._passed: deque[float] = deque()

    def allow(self) -> bool:
        """Return whether a request that comes now may pass, and remember it if so."""
        now = self._clock()
        passed = self._passed
        while passed and now - passed[0] >= _WINDOW_S:
            passed.popleft()
        if self.limit is not None and len(passed) >= self.limit:
            return False
        passed.append(now)
        return True
