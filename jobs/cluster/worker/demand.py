"""How large a share a process could use. Pure; times are passed in."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

__all__ = ["Demand"]

_WINDOW_S: Final = 2.0
_HEADROOM: Final = 1.25
"""So much more than was used is asked for, because answers may come faster in the next moment."""


class Demand:
    """Measures what a process used, to ask for a little more than that.

    A process that waits for answers, with as many requests in flight as it may have, would not use
    a larger share; others would.
    """

    def __init__(self) -> None:
        self._granted: deque[tuple[float, int]] = deque()

    def want(self, now: float, *, granted: int, waiting: int, has_more: bool) -> int | None:
        """Return the share that could be used; None: whatever there is.

        Args:
            now: The time now.
            granted: How many requests have been let through so far.
            waiting: How many wait to be let through.
            has_more: Whether there are pairs that have not been asked about.
        """
        granted_at = self._granted
        granted_at.append((now, granted))
        while len(granted_at) > 1 and granted_at[1][0] <= now - _WINDOW_S:
            granted_at.popleft()
        if waiting or (has_more and len(granted_at) == 1):
            return None
        began_at, before = granted_at[0]
        used = (granted - before) / max(now - began_at, 1.0)
        return math.ceil(used * _HEADROOM) + has_more
