"""A client's adaptation and breaker that decide nothing: they count, and follow the command."""

from __future__ import annotations

from typing import Final

from jobs.cluster.quota.messages import Counts, Reply
from palm import (
    Adaptation,
    Breaker,
    BreakerRules,
    Clock,
    LocalResourceError,
    Pacer,
    PalmError,
    ThrottledError,
)
from palm.resilience.breaker import DOWN

__all__ = ["CountedBreaker", "CountedThrottles", "counts_of"]

_NEVER: Final = BreakerRules(failures=10**9)


class CountedThrottles(Adaptation):
    """Counts throttled requests, and leaves the rate of the pacer as it is.

    Args:
        pacer: The client's pacer.

    Attributes:
        answers: Requests that were answered since the last pause of all members.
        throttles: How many of them were throttled and may lower the rate.
        retry_after_s: The longest pause that one of them asked for.
        known_pauses: How many pauses of all members this process knows of.
    """

    def __init__(self, pacer: Pacer) -> None:
        super().__init__(pacer)
        self._counted_from = float("-inf")
        self.known_pauses: int = 0
        self._reset()

    def _reset(self) -> None:
        self.answers: int = 0
        self.throttles: int = 0
        self.retry_after_s: float = 0.0

    def answered(
        self,
        *,
        sent: float,
        now: float,  # noqa: ARG002 - the base's
        throttled: bool,
        retry_after_s: float | None = None,
    ) -> None:
        """Count the answer to a request, unless it was written before the last pause."""
        if sent < self._counted_from:
            return
        self.answers += 1
        if throttled:
            self.throttles += 1
            self.retry_after_s = max(self.retry_after_s, retry_after_s or 0.0)

    def follow(self, reply: Reply, now: float) -> None:
        """Count anew if all members paused.

        Args:
            reply: A reply that counts.
            now: The time on the pacer's clock.
        """
        if reply.pauses != self.known_pauses:
            self.known_pauses = reply.pauses
            self._counted_from = now
            self._reset()


class CountedBreaker(Breaker):
    """Counts failures, and is open while the gateway is down for all members.

    Args:
        clock: The client's clock.

    Attributes:
        successes: Requests that show that the gateway can be reached.
        failures: Requests that show that it cannot.
        failures_in_a_row: Of them, those since the last success.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__(_NEVER, clock=clock)
        self.successes: int = 0
        self.failures: int = 0
        self.failures_in_a_row: int = 0

    def note(self, error: PalmError | None) -> None:
        """Count the result of a request; mark an error that an outage caused."""
        super().note(error)
        if isinstance(error, DOWN):
            self.failures += 1
            self.failures_in_a_row += 1
        elif not isinstance(error, ThrottledError | LocalResourceError):
            self.successes += 1
            self.failures_in_a_row = 0

    def follow(self, reply: Reply) -> None:
        """Open or close as the command says."""
        if reply.is_outage:
            self.open("for all workers")
        else:
            self.close()


def counts_of(throttles: CountedThrottles, breaker: CountedBreaker) -> Counts:
    """Return what both counted so far."""
    return Counts(
        pauses=throttles.known_pauses,
        answers=throttles.answers,
        throttles=throttles.throttles,
        retry_after_s=throttles.retry_after_s,
        successes=breaker.successes,
        failures=breaker.failures,
        failures_in_a_row=breaker.failures_in_a_row,
    )
