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
"""The number of requests in flight is the rate, but within these limits."""
PATIENCE_S: Final = 900.0
"""A run without a time limit is stopped if no answer was accepted for this many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """How the gateway is asked.

    Attributes:
        rate: Requests per second that WeChat Pay allows this job; None: ``default_rate``.
        default_rate: The default rate, which depends on the gateway.
        quota_share: The share of the rate that this job may use.
        concurrency: Requests in flight at most; None: as many as the quota allows in a second,
            within ``FEWEST_IN_FLIGHT`` and ``MOST_IN_FLIGHT``.
        accept_unnamed: Whether answers that do not name their pair are accepted.
    """

    rate: float | None = None
    default_rate: float = LIVE_RATE
    quota_share: float = 1.0
    concurrency: int | None = None
    accept_unnamed: bool = False

    @property
    def quota(self) -> float:
        """The requests per second that this job may send."""
        return (self.default_rate if self.rate is None else self.rate) * self.quota_share

    @property
    def in_flight(self) -> int:
        """How many requests are in flight at most."""
        return self.concurrency or int(min(max(self.quota, FEWEST_IN_FLIGHT), MOST_IN_FLIGHT))
