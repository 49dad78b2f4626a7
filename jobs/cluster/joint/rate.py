"""The rate of all members together, lowered and raised as a single client's is."""

from __future__ import annotations

import math

from jobs.cluster.quota.messages import Counts
from palm import Adaptation, AdaptationRules

__all__ = ["JointRate"]


class JointRate:
    """Adapts one rate to the throttles that all members counted.

    During a pause nobody has a share. Requests that were written before a member knew of the pause
    are part of the event that led to it: they are not counted.

    Args:
        rate: Requests per second of all members together, at first and at most.
        rules: When it is lowered and raised.

    Attributes:
        rate: Requests per second of all members together.
        adaptation: Lowers and raises it; counts the pauses.
    """

    def __init__(self, rate: float, rules: AdaptationRules | None = None) -> None:
        self.rate: float = rate
        self._now = self._paused_until = -math.inf
        self.adaptation = Adaptation(self, rules)

    @property
    def pauses(self) -> int:
        """How many times all members paused so far."""
        return self.adaptation.pauses

    def is_paused(self, now: float) -> bool:
        """Return True if nobody may send at ``now``."""
        return now < self._paused_until

    def pause(self, seconds: float) -> None:
        """Let nobody send for a number of seconds from the time of the counts."""
        self._paused_until = max(self._paused_until, self._now + seconds)

    def add(self, before: Counts, counts: Counts, now: float) -> None:
        """Take what a member counted since its last question.

        Args:
            before: Its counts at that question.
            counts: Its counts now.
            now: The time now.
        """
        if counts.pauses != self.pauses:
            return
        self._now = now
        is_same = before.pauses == counts.pauses
        answers = counts.answers - (before.answers if is_same else 0)
        throttles = counts.throttles - (before.throttles if is_same else 0)
        for number in range(answers):  # in which order they came is unknown: evenly mixed
            is_throttled = (number + 1) * throttles // answers > number * throttles // answers
            self.adaptation.answered(
                sent=now,
                now=now,
                throttled=is_throttled,
                retry_after_s=counts.retry_after_s or None,
            )
