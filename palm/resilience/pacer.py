"""Lets requests through evenly spaced, so that a quota is used in full and never exceeded.

The gateway counts the requests that it receives, so each one is checked twice: before it is signed
and has a connection, and when it is about to be written. Otherwise, after a slow connection or a
stopped process, requests that were let through one by one would be sent all at once.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Final

from palm.clock import Clock, Expiry, checked_clock
from palm.errors.values import check_number, check_value, is_part
from palm.forks import reset_in_child
from palm.resilience.loop_timer import LoopTimer, running_loop
from palm.resilience.spacing import SAFETY_MARGIN, Spacing

__all__ = ["ENDED", "SAFETY_MARGIN", "Pacer"]

_EARLY_S: Final = 0.010
"""A write may come so long before its slot. With the ten milliseconds that are made up for, writes
may be twenty out of step with the permits, which is more than a batch of signatures takes."""
ENDED: Final = Expiry(-math.inf, -math.inf)
"""A lease with which nothing is let through."""
_SHORTEST_TIMER_S: Final = 0.001
"""uvloop's timers count whole milliseconds; asking for less would spin."""


class Pacer:
    """Lets callers through one by one, in the order of their arrival, under a quota per second.

    Args:
        rate: The quota: requests per second that the gateway allows.
        share: The part of the quota to use.
        clock: The time; its ``monotonic`` must run as fast as the event loop's timers.

    One timer runs at a time, however many callers wait. Clients in several threads and event loops
    of a process may share it. A request that was let through is checked again when it is written:
    :class:`palm.resilience.permit.Permit`.

    Processes may share a quota, each with a pacer of its own, whose ``rate`` is the process's part
    and whose ``lease`` ends unless it is renewed. Once it has ended, nothing is let through, and
    what was let through before is not written.

    Attributes:
        clock: The time.
        granted: How many callers have been let through.

    Raises:
        SettingsError: The rate is not a number above 0, or the share not one of at most 1.
    """

    def __init__(
        self,
        rate: float,
        *,
        share: float = SAFETY_MARGIN,
        clock: Clock | Callable[[], float] | None = None,
    ) -> None:
        check_number("rate", rate, "requests per second")
        check_value("share", share, "a number above 0 and at most 1", is_right=is_part(share))
        self.clock: Clock = checked_clock(clock, reading="monotonic")
        self._permits = Spacing(rate, share)
        self._writes = Spacing(rate, share)
        self._rate = rate
        self._lease: Expiry | None = None
        self._lock = Lock()
        self._waiters: deque[asyncio.Future[float]] = deque()
        self._writers: deque[asyncio.Future[float]] = deque()
        self._timer: LoopTimer | None = None
        self.granted: int = 0
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the callers of the parent; the slots that they took still count.

        A lease remains the parent's, so that nothing is let through until there is another one.
        """
        self._lock = Lock()
        if self._lease is not None:
            self._lease = ENDED
        self._waiters.clear()
        self._writers.clear()
        self._timer = None

    @property
    def rate(self) -> float:
        """The quota in requests per second. A new value holds at once, also for waiting callers."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        with self._lock:
            self._permits.set_quota(rate)
            self._writes.set_quota(rate)
            self._rate = rate
            self._arm(self.now())

    @property
    def lease(self) -> Expiry | None:
        """Until when requests may be written; None: without limit. A new value holds at once."""
        return self._lease

    @lease.setter
    def lease(self, lease: Expiry | None) -> None:
        with self._lock:
            self._lease = lease
            self._arm(self.now())

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
        with self._lock:
            self._permits.pause_until(until)
            self._writes.pause_until(until)
            self._arm(self.now())

    def now(self) -> float:
        """Return the time on the pacer's clock."""
        return self.clock.monotonic()

    async def acquire(self) -> None:
        """Wait for a slot and take it. A caller that is cancelled while waiting costs nothing."""
        now = self.now()
        with self._lock:
            waits = self._waiters or self._writers or self._has_ended()
            if not waits and self._permits.admit(now):
                self.granted += 1
                return
            waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            if self._timer is None or self._timer.loop.is_closed():
                self._arm(now)
        try:
            await waiter
        except asyncio.CancelledError:
            self._cancelled(waiter, self._return_permit)
            raise

    def write(self) -> float | None:
        """Record that a request is written now; return the time, or None if it must wait."""
        now = self.now()
        with self._lock:
            waits = self._writers or self._has_ended()
            return now if not waits and self._writes.admit(now, _EARLY_S) else None

    async def second_slot(self) -> float:
        """Wait for a slot to write in, before all callers not let through yet; return the slot.

        A caller that is cancelled while waiting costs nothing.
        """
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._writers.append(waiter)
            self._arm(
                self.now()
            )  # the timer may have been set for a caller that waits for a permit
        try:
            return await waiter
        except asyncio.CancelledError:
            self._cancelled(waiter, self.return_slot)
            raise

    def write_late(self) -> float | None:
        """Record that a request is written now, in the slot that :meth:`second_slot` returned.

        Returns:
            The time, or None if the request must wait again: the quota of the last second is used
            up, or the lease has ended.
        """
        now = self.now()
        with self._lock:
            if self._has_ended() or not self._writes.has_room(now):
                return None
            self._writes.note(now)
        return now

    def return_slot(self, slot: float) -> None:
        """Give the slot of a request that is not written to the next one, or take it back."""
        with self._lock:
            _drop_done(self._writers)
            if self._writers:
                self._settle(self._writers.popleft(), slot, self.return_slot)
            else:
                self._writes.untake(slot)

    def _return_permit(self, granted_at: float) -> None:
        """Give the slot of a cancelled caller to the next one, or take it back."""
        with self._lock:
            _drop_done(self._waiters)
            if self._waiters:
                self._settle(self._waiters.popleft(), granted_at, self._return_permit)
            else:
                self._permits.refund(granted_at)
                self.granted -= 1

    def _cancelled(self, waiter: asyncio.Future[float], give_back: Callable[[float], None]) -> None:
        """Let others have what a cancelled caller waited for; its event loop may end now."""
        if waiter.done() and not waiter.cancelled():
            give_back(waiter.result())
        with self._lock:
            if self._timer is not None and self._timer.loop is waiter.get_loop():
                self._arm(self.now())

    def _arm(self, now: float) -> None:
        """Set the timer for the first caller that waits, in that caller's event loop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        _drop_done(self._writers)
        _drop_done(self._waiters)
        while (queue := self._writers or self._waiters) and not self._has_ended():
            spacing = self._writes if self._writers else self._permits
            delay = max(spacing.earliest(now) - now, _SHORTEST_TIMER_S)
            try:
                self._timer = LoopTimer(queue[0].get_loop(), delay, self._wake)
            except RuntimeError:  # that loop was closed without cancelling its tasks
                queue.popleft()
            else:
                return

    def _wake(self, timer: LoopTimer) -> None:
        with self._lock:
            if timer is not self._timer:
                return
            if self._has_ended():
                self._timer = None  # a new lease sets the next one
                return
            now = self.now()
            _drop_done(self._writers)
            while self._writers and self._writes.earliest(now) <= now:
                slot = self._writes.take(now, waited=True)
                self._permits.follow(self._writes)
                self._settle(self._writers.popleft(), slot, self.return_slot)
                _drop_done(self._writers)
            _drop_done(self._waiters)
            while self._waiters and not self._writers and self._permits.earliest(now) <= now:
                self._permits.grant(now, waited=True)
                self.granted += 1
                self._settle(self._waiters.popleft(), now, self._return_permit)
                _drop_done(self._waiters)
            self._arm(now)

    def _has_ended(self) -> bool:
        """Return True if there is a lease that has ended."""
        return self._lease is not None and self._lease.has_passed(self.clock)

    def _settle(
        self,
        waiter: asyncio.Future[float],
        slot: float,
        give_back: Callable[[float], None],
    ) -> None:
        """Let a caller through, in whichever event loop it waits."""
        loop = waiter.get_loop()
        if loop is running_loop():
            waiter.set_result(slot)
            return

        def settle() -> None:
            if waiter.done():  # it was cancelled in the meantime
                give_back(slot)
            else:
                waiter.set_result(slot)

        with suppress(RuntimeError):  # its loop was closed: one slot is not used
            loop.call_soon_threadsafe(settle)


def _drop_done(waiters: deque[asyncio.Future[float]]) -> None:
    while waiters and waiters[0].done():
        waiters.popleft()
