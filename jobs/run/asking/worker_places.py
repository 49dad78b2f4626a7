"""Which workers ask, and the folders that they share with the command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jobs.cluster.options import ClusterOptions
from jobs.cluster.tasks.job import WorkerSettings

__all__ = ["WorkerPlaces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlaces:
    """What asking by workers needs besides a session.

    Attributes:
        cluster: Which workers.
        settings: Where they find their settings.
        tasks: An empty folder that they see, too.
        journals: The folder for the journals of the run date, which they see, too.
        began_s: Since when no other run writes this report, as ``palm.Clock.elapsed`` counts.
    """

    cluster: ClusterOptions
    settings: WorkerSettings
    tasks: Path
    journals: Path
    began_s: float
