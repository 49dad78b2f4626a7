"""Lets requests through evenly spaced, so that a quota is used in full and never exceeded.

The gateway counts the requests that it receives, so each one is checked twice: before it is signed
and has a connection, and when it is about to be written. Otherwise, after a slow connection or a
stopped process, requests that were let through one by one would be sent all at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from palm.clock import Clock, checked_clock
from palm.resilience.spacing import SAFETY_MARGIN, Spacing

__all__ = ["SAFETY_MARGIN", "Pacer", "Permit"]

_EARLY_S: Final = 0.010
"""A write may come so long before its slot. With the ten milliseconds that are made up for, writes
may be twenty out of step with the permits, which is more than a batch of signatures takes."""
_SHORTEST_TIMER_S: Final = 0.001
"""uvloop's timers count whole milliseconds; asking for less would spin."""


class Pacer:
    """Lets callers through one by one, in the order of their arrival, under a quota per second.

    Args:
        rate: The quota: requests per second that the gateway allows.
        share: The part of the quota to use.
        clock: The time; its ``monotonic`` must run as fast as the event loop's timers.

    One timer runs at a time, however many callers wait. To be used within one event loop. A request
    that was let through is checked again when it is written: :class:`Permit`.

    Attributes:
        clock: The time.
        granted: How many callers have been let through.
    """

    def __init__(
        self,
        rate: float,
        *,
        share: float = SAFETY_MARGIN,
        clock: Clock | Callable[[], float] | None = None,
    ) -> None:
        self.clock = checked_clock(clock, reading="monotonic")
        self._permits = Spacing(rate, share)
        self._writes = Spacing(rate, share)
        self._rate = rate
        self._waiters: deque[asyncio.Future[float]] = deque()
        self._writers: deque[asyncio.Future[float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.granted = 0

    @property
    def rate(self) -> float:
        """The quota in requests per second. A new value holds at once, also for waiting callers."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._permits.set_quota(rate)
        self._writes.set_quota(rate)
        self._rate = rate
        self._rearm()

    @property
    def waiting(self) -> int:
        """How many callers wait, including those that wait a second time."""
        return len(self._waiters) + len(self._writers)

    @property
    def worst_second(self) -> int:
        """The highest number of requests that were written within one second so far."""
        return self._writes.worst_second

    def pause(self, seconds: float) -> None:
        """Let no caller through for a number of seconds, including those that wait already."""
        until = self.now() + seconds
        self._permits.pause_until(until)
        self._writes.pause_until(until)
        self._rearm()

    def now(self) -> float:
        """Return the time on the pacer's clock."""
        return self.clock.monotonic()

    async def acquire(self) -> None:
        """Wait for a slot and take it. A caller that is cancelled while waiting costs nothing."""
        now = self.now()
        if not (self._waiters or self._writers) and self._permits.admit(now):
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
                self._return_permit(waiter.result())
            raise

    def write(self) -> float | None:
        """Record that a request is written now; return the time, or None if it must wait."""
        now = self.now()
        return now if not self._writers and self._writes.admit(now, _EARLY_S) else None

    async def second_slot(self) -> float:
        """Wait for a slot to write in, before all callers not let through yet; return the slot.

        A caller that is cancelled while waiting costs nothing.
        """
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._writers.append(waiter)
        if self._timer is not None:
            self._timer.cancel()  # it may have been set for a caller that waits for a permit
        self._arm(self.now())
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.return_slot(waiter.result())
            _drop_cancelled(self._writers)
            raise

    def write_late(self) -> float | None:
        """Record that a request is written now, in the slot that :meth:`second_slot` returned.

        Returns:
            The time, or None if the quota of the last second is used up: the request must wait.
        """
        now = self.now()
        if not self._writes.has_room(now):
            return None
        self._writes.note(now)
        return now

    def return_slot(self, slot: float) -> None:
        """Give the slot of a request that is not written to the next one, or take it back."""
        _drop_cancelled(self._writers)
        if self._writers:
            self._writers.popleft().set_result(slot)
        else:
            self._writes.untake(slot)

    def _return_permit(self, granted_at: float) -> None:
        """Give the slot of a cancelled caller to the next one, or take it back."""
        _drop_cancelled(self._waiters)
        if self._waiters:
            self._waiters.popleft().set_result(granted_at)
        else:
            self._permits.refund(granted_at)
            self.granted -= 1

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._arm(self.now())

    def _arm(self, now: float) -> None:
        spacing = self._writes if self._writers else self._permits
        delay = max(spacing.earliest(now) - now, _SHORTEST_TIMER_S)
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self.now()
        _drop_cancelled(self._writers)
        while self._writers and self._writes.earliest(now) <= now:
            slot = self._writes.take(now, waited=True)
            self._permits.follow(self._writes)
            self._writers.popleft().set_result(slot)
            _drop_cancelled(self._writers)
        _drop_cancelled(self._waiters)
        while self._waiters and not self._writers and self._permits.earliest(now) <= now:
            self._permits.grant(now, waited=True)
            self.granted += 1
            self._waiters.popleft().set_result(now)
            _drop_cancelled(self._waiters)
        if self._waiters or self._writers:
            self._arm(now)


def _drop_cancelled(waiters: deque[asyncio.Future[float]]) -> None:
    while waiters and waiters[0].done():
        waiters.popleft()


class Permit:
    """The permission to send one request, checked again when the request is about to be written.

    Args:
        pacer: The pacer that let the request through just now; None: requests are not paced.
        clock: The time; the pacer's clock if there is a pacer.

    Attributes:
        granted_at: When the request was let through; after a second wait, the end of that wait.
        written_at: When the request was written; None: it has not been written.
    """

    __slots__ = ("_clock", "_pacer", "_slot", "granted_at", "written_at")

    def __init__(self, pacer: Pacer | None, *, clock: Clock) -> None:
        self._pacer = pacer
        self._clock = clock
        self._slot: float | None = None
        self.granted_at = clock.monotonic()
        self.written_at: float | None = None

    def use(self) -> bool:
        """Record that the request is written now; return False if it must wait: :meth:`renew`."""
        if self._pacer is None:
            self.written_at = self._clock.monotonic()
        elif self._slot is None:
            self.written_at = self._pacer.write()
        else:
            self.written_at = self._pacer.write_late()
            self._slot = None
        return self.written_at is not None

    async def renew(self) -> None:
        """Wait until the request may be written, before all requests not let through yet."""
        self.return_slot()
        if self._pacer is not None:
            self._slot = await self._pacer.second_slot()
            self.granted_at = self._clock.monotonic()

    def return_slot(self) -> None:
        """Give back the slot that :meth:`renew` took, if the request was not written in it."""
        if self._pacer is not None and self._slot is not None:
            self._pacer.return_slot(self._slot)
        self._slot = None
