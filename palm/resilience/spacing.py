"""When the next request may be sent: arithmetic only.

Virtual scheduling (GCRA): slots are ``1/rate`` apart. If the event loop is late for a slot, up to
ten milliseconds are made up for. Time in which no request wanted a slot is not made up for, so
there is no burst at the start or after a pause. In addition, an exact log of the last second
guarantees that no second holds more requests than the quota.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

__all__ = ["SAFETY_MARGIN", "Spacing"]

SAFETY_MARGIN: Final = 0.98
"""The part of a quota to use: at 100 %, network jitter makes a strict gateway reject requests."""
_CATCH_UP_S: Final = 0.010


class Spacing:
    """Calculates when the next request may be sent. Times are passed in.

    Args:
        quota: Requests allowed in any one second; may be a fraction below 1.
        share: The part of the quota to use.

    Attributes:
        share: The part of the quota to use.
        worst_second: The highest number of requests within one second so far.
    """

    __slots__ = ("_cap", "_interval", "_last", "_log", "_not_before", "share", "worst_second")

    def __init__(self, quota: float, share: float = SAFETY_MARGIN) -> None:
        self.share: float = share
        self.worst_second: int = 0
        self._log: deque[float] = deque()
        self._last = -math.inf
        self._not_before = -math.inf
        self.set_quota(quota)

    def set_quota(self, quota: float) -> None:
        """Set the quota, in requests per second."""
        if not (quota > 0 and math.isfinite(quota)):
            raise ValueError(f"a rate must be a number above 0, not {quota}")
        self._interval = 1 / (quota * self.share)
        self._cap = max(1, math.floor(quota))

    def pause_until(self, time: float) -> None:
        """Grant nothing before ``time``."""
        self._not_before = max(self._not_before, time)

    def earliest(self, now: float, early_s: float = 0.0) -> float:
        """Return when the next request may be sent, ``now`` or later.

        Args:
            now: The time now.
            early_s: How long before its slot a request may be sent.
        """
        slot = max(self._last + self._interval - early_s, self._not_before, now)
        if self.has_room(now):
            return slot
        return max(slot, self._log[-self._cap] + 1)

    def admit(self, now: float, early_s: float = 0.0) -> bool:
        """Grant a request that did not wait if it may be sent at ``now``; return whether it may.

        It does the same as :meth:`earliest` and :meth:`grant` in one step, because it runs for
        every request.
        """
        due = self._last + self._interval
        if due - early_s > now or self._not_before > now:
            return False
        log = self._log
        while log and log[0] <= now - 1:
            log.popleft()
        if len(log) >= self._cap:
            return False
        due = max(due, self._not_before)
        self._last = now if due < now - _CATCH_UP_S else due
        log.append(now)
        self.worst_second = max(self.worst_second, len(log))
        return True

    def has_room(self, now: float) -> bool:
        """Return True if the second before ``now`` holds fewer requests than the quota."""
        log = self._log
        while log and log[0] <= now - 1:
            log.popleft()
        return len(log) < self._cap

    def grant(self, now: float, *, waited: bool = False) -> None:
        """Record that a request is sent at ``now``, as :meth:`earliest` allowed.

        Args:
            now: The time now.
            waited: Whether a request waited for this slot, so that any delay is the timer's.
        """
        self.take(now, waited=waited)
        self.note(now)

    def take(self, now: float, *, waited: bool = False) -> float:
        """Take the next slot for a request that is sent shortly after ``now``; return the slot."""
        due = max(self._last + self._interval, self._not_before)
        if due < now - _CATCH_UP_S:
            due = now - _CATCH_UP_S if waited else now
        self._last = due
        return due

    def note(self, now: float) -> None:
        """Record that a request, whose slot is taken already, is sent at ``now``."""
        self._log.append(now)
        self.worst_second = max(self.worst_second, len(self._log))

    def refund(self, now: float) -> None:
        """Take back the grant of ``now``, the last one: its request was never sent."""
        if self._log and self._log[-1] == now:
            self._log.pop()
            self._last -= self._interval

    def untake(self, slot: float) -> None:
        """Take back a slot whose request was never sent, unless later ones are taken already."""
        if self._last == slot:
            self._last -= self._interval

    def follow(self, other: Spacing) -> None:
        """Make the next slot come after the last one of ``other``."""
        self._last = max(self._last, other._last)
