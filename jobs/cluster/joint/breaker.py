"""Whether the gateway is down for all members, or only one of them cannot reach it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from jobs.cluster.quota.messages import Counts
from palm import BreakerRules

__all__ = ["JointBreaker"]

_log: Final = logging.getLogger("palm")
_TURN_S: Final = 10.0
"""While the gateway is down, so long one member probes it; the next one may be able to reach it."""


@dataclass(slots=True)
class _Results:
    """What one member reported.

    Attributes:
        in_a_row: Failures since its last success.
        success_at: When a success was reported last; when it joined, if there was none.
    """

    in_a_row: int
    success_at: float


class JointBreaker:
    """Opens after failures in a row of all members, without a success of any of them.

    Args:
        rules: When it opens, and how often the gateway is then probed.
        now: The time now.

    Attributes:
        openings: How many times it opened.
    """

    def __init__(self, rules: BreakerRules | None = None, *, now: float) -> None:
        self.rules = rules or BreakerRules()
        self._members: dict[str, _Results] = {}
        self._in_a_row = 0
        self._success_at = now
        self._opened_at: float | None = None
        self._was_open_s = 0.0
        self.openings: int = 0

    @property
    def is_open(self) -> bool:
        """Whether all members are held back, other than the one that probes."""
        return self._opened_at is not None

    def open_s(self, now: float) -> float:
        """Return for how many seconds it has been open, in total."""
        return self._was_open_s + (0.0 if self._opened_at is None else now - self._opened_at)

    def probes(self, member: str, members: list[str], now: float) -> bool:
        """Return True if it is the member's turn to probe the gateway.

        Args:
            member: Name of the member.
            members: Names of all members that may send anything.
            now: The time now.
        """
        since = 0.0 if self._opened_at is None else now - self._opened_at
        return bool(members) and member == members[int(since // _TURN_S) % len(members)]

    def add(self, member: str, before: Counts, counts: Counts, now: float) -> None:
        """Take what a member counted since its last question.

        Args:
            member: Name of the member.
            before: Its counts at that question.
            counts: Its counts now.
            now: The time now.
        """
        results = self._members.setdefault(member, _Results(0, now))
        results.in_a_row = counts.failures_in_a_row
        if counts.successes > before.successes:
            results.success_at = self._success_at = now
            self._in_a_row = counts.failures_in_a_row
            self._close(now)
        else:
            self._in_a_row += counts.failures - before.failures
        is_silent = now - self._success_at >= self.rules.silence_s
        if self._opened_at is None and self._in_a_row >= self.rules.failures and is_silent:
            _log.warning("the gateway is down for all workers: one of them probes it")
            self._opened_at = now
            self.openings += 1

    def fails_alone(self, member: str) -> bool:
        """Return True if a member only had failures for so long, while others had successes.

        When the gateway goes down for all of them, their last successes are reported within half a
        second.
        """
        results = self._members.get(member)
        if results is None or results.in_a_row < self.rules.failures:
            return False
        others = [each.success_at for name, each in self._members.items() if name != member]
        return max(others, default=results.success_at) >= results.success_at + self.rules.silence_s

    def _close(self, now: float) -> None:
        if self._opened_at is not None:
            _log.warning("the gateway answers again after %.0f s", now - self._opened_at)
            self._was_open_s += now - self._opened_at
            self._opened_at = None
