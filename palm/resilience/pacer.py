"""Lets requests through, evenly spaced under a quota, without a burst and without waste.

The gateway counts what it receives, so a request is looked at twice: before it is signed and has a
connection, and when it is about to be written. Connections that took long to make, or a process
that was stopped, would otherwise send all at once what was let through one by one.
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
    """Lets callers through one by one, first come first served, under a quota per second.

    Args:
        rate: The quota: requests per second that the other side allows.
        share: Part of it to use.
        clock: The time; its ``monotonic`` must go as fast as the event loop's timers do.

    One timer runs at a time, however many wait. To be used within one event loop. A request that
    was let through is looked at again when it is written: :class:`Permit`.
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
        """The quota, requests per second; setting it acts at once, on those who wait too."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._permits.set_quota(rate)
        self._writes.set_quota(rate)
        self._rate = rate
        self._rearm()

    @property
    def waiting(self) -> int:
        """How many callers wait, those who wait a second time included."""
        return len(self._waiters) + len(self._writers)

    @property
    def worst_second(self) -> int:
        """The most requests that were written within any one second so far."""
        return self._writes.worst_second

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long, those who wait already included."""
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
                self._give_back(waiter.result())
            raise

    def write(self) -> float | None:
        """Note that a request is written now and return the time, or None if it must wait."""
        now = self.now()
        return now if not self._writers and self._writes.admit(now, _EARLY_S) else None

    async def second_slot(self) -> float:
        """Wait for a slot among the writes, before all who were not let through yet; return it.

        A caller that is cancelled while waiting costs nothing.
        """
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._writers.append(waiter)
        if self._timer is not None:
            self._timer.cancel()  # it was set for somebody who waits for a permit, perhaps
        self._arm(self.now())
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.return_slot(waiter.result())
            _drop_cancelled(self._writers)
            raise

    def write_late(self) -> float | None:
        """Note that a request is written now, in the slot that :meth:`second_slot` returned.

        Returns:
            The time, or None if the second before holds the whole quota: it must wait again.
        """
        now = self.now()
        if not self._writes.has_room(now):
            return None
        self._writes.note(now)
        return now

    def return_slot(self, slot: float) -> None:
        """Hand a second slot whose request is not written to the next one, or return it."""
        _drop_cancelled(self._writers)
        if self._writers:
            self._writers.popleft().set_result(slot)
        else:
            self._writes.untake(slot)

    def _give_back(self, granted_at: float) -> None:
        """Hand a slot whose taker is gone to the next one, or return it."""
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
    """What lets one request through, looked at again when the request is about to be written.

    Args:
        pacer: Who let it through, just now; None: it is not paced.
        clock: The time; the pacer's clock if there is a pacer.

    Attributes:
        given_at: When it was let through, the last time.
        written_at: When the request was written; None: it was not.
    """

    __slots__ = ("_clock", "_pacer", "_slot", "given_at", "written_at")

    def __init__(self, pacer: Pacer | None, *, clock: Clock) -> None:
        self._pacer = pacer
        self._clock = clock
        self._slot: float | None = None
        self.given_at = clock.monotonic()
        self.written_at: float | None = None

    def use(self) -> bool:
        """Note that the request is written now; False: it must not be before :meth:`renew`."""
        if self._pacer is None:
            self.written_at = self._clock.monotonic()
        elif self._slot is None:
            self.written_at = self._pacer.write()
        else:
            self.written_at = self._pacer.write_late()
            self._slot = None
        return self.written_at is not None

    async def renew(self) -> None:
        """Wait until the request may be written, before all who were not let through yet."""
        self.return_slot()
        if self._pacer is not None:
            self._slot = await self._pacer.second_slot()
            self.given_at = self._clock.monotonic()

    def return_slot(self) -> None:
        """Return what :meth:`renew` brought, as the request is not written."""
        if self._pacer is not None and self._slot is not None:
            self._pacer.return_slot(self._slot)
        self._slot = None
