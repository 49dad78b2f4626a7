"""Whether the gateway answers at all, where all that is asked is throttled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from jobs.sweep.abort import AbortMonitor
from jobs.sweep.stats import RequestStats
from palm import PalmError, TransientError

__all__ = ["HealthCheck"]


class HealthCheck:
    """Asks once more about a pair that has an answer.

    Where the last pairs of a run are throttled whenever they are asked, nobody else is there to
    show whether the gateway throttles everybody. This question shows it; its answer is not used
    for anything else.

    Args:
        ask: Asks about the pair at a place; raises PalmError where there is no good answer.
        abort: Knows when an answer was accepted last.
        stats: Counts throttles.
        every_s: No check comes sooner after an accepted answer, or after the check before.

    Attributes:
        place: Of the pair that is asked about; None: no pair has an answer yet.
    """

    def __init__(
        self,
        ask: Callable[[int], Awaitable[object]],
        abort: AbortMonitor,
        stats: RequestStats,
        every_s: float,
    ) -> None:
        self._ask = ask
        self._abort = abort
        self._stats = stats
        self._every_s = every_s
        self._throttles = 0
        self._under_way = False
        self.place: int | None = None

    @property
    def is_due(self) -> bool:
        """Whether requests were throttled, and none was answered, since the last look."""
        if self._under_way or self.place is None:
            return False
        before, self._throttles = self._throttles, self._stats.throttles
        return self._abort.silent_s >= self._every_s and self._stats.throttles > before

    async def check(self) -> None:
        """Ask, with all the patience that any question has."""
        if self.place is None:
            return
        self._under_way = True
        self._stats.questions += 1
        try:
            await self._ask(self.place)
        except PalmError as error:
            if isinstance(error, TransientError):
                return
        finally:
            self._under_way = False
        self._abort.accepted()
