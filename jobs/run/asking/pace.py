"""The request rate of a run, and what it waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from jobs.report.request_info import RequestPace
from jobs.sweep.options import SweepOptions
from jobs.sweep.stats import RequestStats
from palm import AsyncPalm, Clock
from palm.resilience.pacer import SAFETY_MARGIN

__all__ = ["Delays", "Measured", "PaceMeter", "measured_by"]


class Delays(TypedDict):
    """How long a run waited, and for what; the names are those of :class:`RequestPace`."""

    throttled_seconds: float
    outage_seconds: float
    starved_seconds: float
    pauses: int
    outages: int
    host_switches: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What whoever asks knows of its pace.

    Attributes:
        throttled_s: Seconds of pauses after throttled requests.
        outage_s: Seconds during which the gateway was down.
        pauses: How many pauses there were.
        outages: How many outages there were.
        host_switches: How many times the other host was turned to.
        worst_second: The most requests that were written in any one second.
        settling_s: Seconds in which no worker was allowed to ask yet.
    """

    throttled_s: float
    outage_s: float
    pauses: int
    outages: int
    host_switches: int
    worst_second: int
    settling_s: float = 0.0


def measured_by(palm: AsyncPalm) -> Measured:
    """Return what a client knows of its pace."""
    return Measured(
        throttled_s=palm.adaptation.paused_s if palm.adaptation else 0.0,
        outage_s=palm.breaker.open_s if palm.breaker else 0.0,
        pauses=palm.adaptation.pauses if palm.adaptation else 0,
        outages=palm.breaker.openings if palm.breaker else 0,
        host_switches=palm.hosts.switches,
        worst_second=palm.pacer.worst_second if palm.pacer else 0,
    )


class PaceMeter:
    """Measures the request rate from the moment it is created.

    Args:
        measured: Returns what whoever asks knows.
        stats: The counts of the sweep.
        sweep: The options of the sweep.
        clock: The time.
    """

    def __init__(
        self,
        measured: Callable[[], Measured],
        stats: RequestStats,
        sweep: SweepOptions,
        clock: Clock | None = None,
    ) -> None:
        self._measured, self._stats, self._sweep = measured, stats, sweep
        self._clock = clock or Clock()
        self._started = self._clock.monotonic()

    def begin(self) -> None:
        """Measure from now on: what was done before was no asking."""
        self._started = self._clock.monotonic()

    def delays(self) -> Delays:
        """Return how long the run has waited so far, and for what."""
        found = self._measured()
        throttled, outage = found.throttled_s, found.outage_s
        held = throttled + outage + found.settling_s
        used = self._stats.requests / (self._sweep.quota * SAFETY_MARGIN)
        return {
            "throttled_seconds": round(throttled, 3),
            "outage_seconds": round(outage, 3),
            # The remaining time, without the slots of the requests: too few were in flight.
            "starved_seconds": round(max(0.0, self._seconds - used - held), 3),
            "pauses": found.pauses,
            "outages": found.outages,
            "host_switches": found.host_switches,
        }

    def pace(self) -> RequestPace:
        """Return the request rate of the run until now, as in the metadata of the report."""
        seconds = self._seconds
        return RequestPace(
            rate=self._sweep.quota,
            concurrency=self._sweep.in_flight,
            seconds=round(seconds, 3),
            achieved_rate=round(self._stats.requests / seconds, 3) if seconds else 0.0,
            worst_second=self._measured().worst_second,
            **self.delays(),
        )

    @property
    def _seconds(self) -> float:
        return self._clock.monotonic() - self._started
