"""The request rate of a run, and what it waited for."""

from __future__ import annotations

from typing import TypedDict

from jobs.report.request_info import RequestPace
from jobs.sweep.options import SweepOptions
from jobs.sweep.stats import RequestStats
from palm import AsyncPalm, Clock
from palm.resilience.pacer import SAFETY_MARGIN

__all__ = ["Delays", "PaceMeter"]


class Delays(TypedDict):
    """How long a run waited, and for what; the names are those of :class:`RequestPace`."""

    throttled_seconds: float
    outage_seconds: float
    starved_seconds: float
    pauses: int
    outages: int
    host_switches: int


class PaceMeter:
    """Measures the request rate from the moment it is created.

    Args:
        palm: The client of the run.
        stats: The counts of the sweep.
        sweep: The options of the sweep.
        clock: The time.
    """

    def __init__(
        self,
        palm: AsyncPalm,
        stats: RequestStats,
        sweep: SweepOptions,
        clock: Clock | None = None,
    ) -> None:
        self._palm, self._stats, self._sweep = palm, stats, sweep
        self._clock = clock or Clock()
        self._started = self._clock.monotonic()

    def delays(self) -> Delays:
        """Return how long the run has waited so far, and for what."""
        palm = self._palm
        throttled = palm.adaptation.paused_s if palm.adaptation else 0.0
        outage = palm.breaker.open_s if palm.breaker else 0.0
        used = self._stats.requests / (self._sweep.quota * SAFETY_MARGIN)
        return {
            "throttled_seconds": round(throttled, 3),
            "outage_seconds": round(outage, 3),
            # The remaining time, without the slots of the requests: too few were in flight.
            "starved_seconds": round(max(0.0, self._seconds - used - throttled - outage), 3),
            "pauses": palm.adaptation.pauses if palm.adaptation else 0,
            "outages": palm.breaker.openings if palm.breaker else 0,
            "host_switches": palm.hosts.switches,
        }

    def pace(self) -> RequestPace:
        """Return the request rate of the run until now, as in the metadata of the report."""
        seconds = self._seconds
        return RequestPace(
            rate=self._sweep.quota,
            concurrency=self._sweep.in_flight,
            seconds=round(seconds, 3),
            achieved_rate=round(self._stats.requests / seconds, 3) if seconds else 0.0,
            worst_second=self._palm.pacer.worst_second if self._palm.pacer else 0,
            **self.delays(),
        )

    @property
    def _seconds(self) -> float:
        return self._clock.monotonic() - self._started
