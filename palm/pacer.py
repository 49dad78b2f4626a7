"""Even spacing of requests under a quota, without a burst and without waste.

Virtual scheduling (GCRA): slots lie ``1/rate`` apart. A slot that the event loop was late for is
made up for, within ten milliseconds; time in which nobody wanted a slot is not, so there is no
burst at the start or after a pause. An exact log of the last second's grants stands behind it:
whatever happens, no second holds more grants than the quota.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["Pacer", "Spacing"]

QUOTA_SHARE: Final = 0.98
"""The part of a quota to use: at 100 % a strict gateway rejects what network jitter bunches."""
_CATCH_UP_S: Final = 0.010
_SHORTEST_TIMER_S: Final = 0.001
"""uvloop's timers count whole milliseconds; asking for less would spin."""


class Spacing:
    """When the next request may go: arithmetic only, the clock is the caller's.

    Args:
        quota: Requests that may go in any one second; may be a fraction below 1.
        share: Part of the quota to use.
    """

    __slots__ = ("_cap", "_interval", "_last", "_log", "_not_before", "share", "worst_second")

    def __init__(self, quota: float, share: float = QUOTA_SHARE) -> None:
        self.share = share
        self.worst_second = 0
        self._log: deque[float] = deque()
        self._last = -math.inf
        self._not_before = -math.inf
        self.set_quota(quota)

    def set_quota(self, quota: float) -> None:
        """Use another quota (per second) from now on."""
        if not (quota > 0 and math.isfinite(quota)):
            raise ValueError(f"a rate must be a number above 0, not {quota}")
        self._interval = 1 / (quota * self.share)
        self._cap = max(1, math.floor(quota))

    def pause_until(self, time: float) -> None:
        """Grant nothing before ``time``."""
        self._not_before = max(self._not_before, time)

    def earliest(self, now: float) -> float:
        """Return when the next request may go, ``now`` or later."""
        log = self._log
        while log and log[0] <= now - 1:
            log.popleft()
        slot = self._due()
        if len(log) >= self._cap:
            slot = max(slot, log[-self._cap] + 1)
        return max(slot, now)

    def grant(self, now: float, *, waited: bool = False) -> None:
        """Note that a request goes at ``now``, at which :meth:`earliest` allowed it.

        ``waited``: somebody was waiting for this slot, so what it is late by is the timer's doing.
        """
        due = self._due()
        if due < now - _CATCH_UP_S:
            due = now - _CATCH_UP_S if waited else now
        self._last = due
        self._log.append(now)
        self.worst_second = max(self.worst_second, len(self._log))

    def _due(self) -> float:
        return max(self._last + self._interval, self._not_before)

    def refund(self, now: float) -> None:
        """Take back the grant of ``now``, the last one: its request was never sent."""
        if self._log and self._log[-1] == now:
            self._log.pop()
            self._last -= self._interval


class Pacer:
    """Lets callers through one by one, first come first served, under a quota per second.

    Args:
        rate: The quota: requests per second that the other side allows.
        share: Part of it to use.
        clock: Seconds on a clock that never goes back; default the running loop's.

    One timer runs at a time, however many wait. To be used within one event loop.
    """

    def __init__(
        self,
        rate: float,
        *,
        share: float = QUOTA_SHARE,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._spacing = Spacing(rate, share)
        self._rate = rate
        self._clock = clock
        self._waiters: deque[asyncio.Future[float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.granted = 0

    @property
    def rate(self) -> float:
        """The quota, requests per second; setting it acts at once, on those who wait too."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._spacing.set_quota(rate)
        self._rate = rate
        self._rearm()

    @property
    def waiting(self) -> int:
        """How many callers wait."""
        return len(self._waiters)

    @property
    def worst_second(self) -> int:
        """The most that were let through within any one second so far."""
        return self._spacing.worst_second

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long, those who wait already included."""
        self._spacing.pause_until(self._now() + seconds)
        self._rearm()

    async def acquire(self) -> None:
        """Wait for a slot and take it. A caller that is cancelled while waiting costs nothing."""
        now = self._now()
        if not self._waiters and self._spacing.earliest(now) <= now:
            self._spacing.grant(now)
            self.granted += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        if self._timer is None:
            self._arm(now)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._give_back(waiter.result())
            raise

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()

    def _give_back(self, granted_at: float) -> None:
        """Hand a slot whose taker is gone to the next one, or return it."""
        self._drop_cancelled()
        if self._waiters:
            self._waiters.popleft().set_result(granted_at)
        else:
            self._spacing.refund(granted_at)
            self.granted -= 1

    def _drop_cancelled(self) -> None:
        while self._waiters and self._waiters[0].done():
            self._waiters.popleft()

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._arm(self._now())

    def _arm(self, now: float) -> None:
        delay = max(self._spacing.earliest(now) - now, _SHORTEST_TIMER_S)
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self._now()
        self._drop_cancelled()
        while self._waiters and self._spacing.earliest(now) <= now:
            self._spacing.grant(now, waited=True)
            self.granted += 1
            self._waiters.popleft().set_result(now)
            self._drop_cancelled()
        if self._waiters:
            self._arm(now)
