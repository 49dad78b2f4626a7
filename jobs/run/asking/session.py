"""What asking needs around it, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.evidence.kept import EvidenceCollector
from jobs.partitions.partitioned import PartitionedFrame
from jobs.person import Person
from jobs.report.request_info import ClusterInfo, RequestPace
from jobs.run.asking.worker_places import WorkerPlaces
from jobs.run.config import Waits
from jobs.run.endpoint import Endpoint
from jobs.run.options import RunOptions
from jobs.store.locations import Sidecars
from jobs.sweep.options import SweepOptions
from jobs.sweep.stats import RequestStats

__all__ = ["Asked", "Session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What the sweep needs around it.

    Attributes:
        endpoint: The gateway that is asked.
        run: The date and the time limit of the run.
        sweep: How fast the gateway is asked.
        waits: Every waiting time.
        files: Names the journal; None: no file is written.
        outcomes: A folder for the outcomes of pairs on disk, which must exist until the
            answers have been read; None: the pairs are in memory.
        journals: The folder for the journals of pairs on disk; None: there is one journal, beside
            the report, or none.
        workers: By which worker processes all pairs but the first few are asked; None: by none.
        evidence: Takes what is signed of the answers; None: it is not kept.
        person: Replaces openids in the log.
        bar: Whether a progress bar is shown.
        remedy: Returns the command that resumes the run, as the end of a message.
    """

    endpoint: Endpoint
    run: RunOptions
    sweep: SweepOptions
    waits: Waits
    files: Sidecars | None
    outcomes: Path | None
    journals: Path | None
    person: Person
    bar: bool
    remedy: Callable[[], str]
    evidence: EvidenceCollector | None = None
    workers: WorkerPlaces | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The result of asking.

    Attributes:
        answers: Columns ``ANSWERS``, under the index of the pairs.
        stats: The counts of the sweep.
        pace: How fast the gateway was asked, for the report's metadata.
        cut: Whether the time limit was reached before all pairs were asked.
        not_asked: How many pairs were not asked because of the time limit.
        resumed_ms: When the first of the runs began whose answers were resumed, Unix milliseconds;
            None: there was none.
        cluster: What is known of the workers; None: there was none.
    """

    answers: PartitionedFrame
    stats: RequestStats
    pace: RequestPace
    cut: bool = False
    not_asked: int = 0
    resumed_ms: int | None = None
    cluster: ClusterInfo | None = None
