"""The waiting times of leases on a quota, which tests scale."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LeaseRules"]


@dataclass(frozen=True, slots=True)
class LeaseRules:
    """Waiting times, in seconds.

    Attributes:
        every_s: Between two questions of a member.
        lease_s: How long a member may use its share, from the moment at which it sent the question.
        drift_s: So much later a lease ends for the ledger than for the member, at least, because
            their clocks may run at different speeds.
        hold_s: How long shares that were given up, or whose lease ended, are held back before they
            are granted again. A second may then not hold requests of two members for one share; the
            quarter of a second is for requests that are on their way.
        lost_s: A member that had no lease for so long stops.
    """

    every_s: float = 0.5
    lease_s: float = 3.0
    drift_s: float = 0.1
    hold_s: float = 1.25
    lost_s: float = 3.0

    @property
    def settled_s(self) -> float:
        """After so many seconds, nothing that another ledger granted before is still in use."""
        return self.lease_s + self.hold_s
