"""Whether the gateway still answers while every request of the sweep is throttled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from jobs.sweep.abort.monitor import AbortMonitor
from jobs.sweep.stats import RequestStats
from palm import Pair, PalmError, TransientError

__all__ = ["HealthCheck"]


class HealthCheck:
    """Asks again about a pair that already has an answer.

    Where the last pairs of a run are throttled each time they are asked, no other pair shows
    whether the gateway throttles all requests. This query shows it; its answer is used for nothing
    else.

    Args:
        query: Asks about a pair; raises PalmError if there is no good answer.
        abort: Knows when an answer was last accepted.
        stats: Counts throttled requests.
        every_s: At least this many seconds pass between two checks, and between an accepted answer
            and a check.

    Attributes:
        pair: The pair that is asked about, or None while no pair has an answer.
    """

    def __init__(
        self,
        query: Callable[[str, str], Awaitable[object]],
        abort: AbortMonitor,
        stats: RequestStats,
        every_s: float,
    ) -> None:
        self._query = query
        self._abort = abort
        self._stats = stats
        self._every_s = every_s
        self._throttles = 0
        self._is_running = False
        self.pair: Pair | None = None

    @property
    def is_due(self) -> bool:
        """True if requests were throttled, and none was answered, since this was last read."""
        if self._is_running or self.pair is None:
            return False
        before, self._throttles = self._throttles, self._stats.throttles
        return self._abort.silent_s >= self._every_s and self._stats.throttles > before

    async def run(self) -> None:
        """Ask once, with the same retries as any query."""
        if self.pair is None:
            return
        self._is_running = True
        self._stats.queries += 1
        try:
            await self._query(*self.pair)
        except PalmError as error:
            if isinstance(error, TransientError):
                return
        finally:
            self._is_running = False
        self._abort.accepted()
