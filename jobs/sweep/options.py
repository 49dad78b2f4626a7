"""How fast the gateway is asked, and what is accepted as an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "FEWEST_IN_FLIGHT",
    "LIVE_RATE",
    "MOST_IN_FLIGHT",
    "PATIENCE_S",
    "SANDBOX_RATE",
    "SweepOptions",
]

LIVE_RATE: Final = 50.0
SANDBOX_RATE: Final = 1000.0
FEWEST_IN_FLIGHT: Final = 64
MOST_IN_FLIGHT: Final = 1024
"""The rate is the usual number of requests in flight, between these two."""
PATIENCE_S: Final = 900.0
"""A run without a time limit is stopped when no answer was accepted for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """How the gateway is asked.

    Attributes:
        rate: Requests per second that are allowed; None: the default of the gateway.
        quota_share: The part of ``rate`` that this job may take.
        concurrency: Requests in flight at most; None: the quota, within limits.
        accept_unnamed: Whether answers that do not name their pair are accepted.
    """

    rate: float | None = None
    quota_share: float = 1.0
    concurrency: int | None = None
    accept_unnamed: bool = False

    def quota(self, *, sandbox: bool) -> float:
        """Return the requests per second that this job may send."""
        default = SANDBOX_RATE if sandbox else LIVE_RATE
        return (self.rate if self.rate is not None else default) * self.quota_share

    def in_flight(self, *, sandbox: bool) -> int:
        """Return how many requests are in flight at most."""
        usual = min(max(self.quota(sandbox=sandbox), FEWEST_IN_FLIGHT), MOST_IN_FLIGHT)
        return self.concurrency or int(usual)
