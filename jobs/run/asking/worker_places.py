"""Which workers ask, and the folders that they share with the command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.cluster.options import ClusterOptions
from jobs.cluster.quota.rules import LeaseRules
from jobs.cluster.tasks.job import WorkerSettings
from jobs.run.asking.crew import Crew
from palm import Clock

__all__ = ["WorkerPlaces"]

_SLEEP_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlaces:
    """What asking by workers needs besides a session.

    Attributes:
        cluster: Which workers.
        settings: Where they find their settings.
        tasks: An empty folder that they see, too.
        journals: The folder for the journals of the run date, which they see, too.
        crew: Holds the engine that they are reached by.
        began_s: Since when no other run writes this report, as ``palm.Clock.elapsed`` counts.
    """

    cluster: ClusterOptions
    settings: WorkerSettings
    tasks: Path
    journals: Path
    crew: Crew
    began_s: float

    async def wait_for_old_leases(self, leases: LeaseRules, clock: Clock) -> None:
        """Wait until no worker of a command that was killed can be asking.

        Until then its answers come into the journals.

        Args:
            leases: The waiting times of leases on the quota.
            clock: The time.
        """
        until = self.began_s + leases.settled_s
        while (left := until - clock.elapsed()) > 0:
            await clock.sleep(min(left, _SLEEP_S))
