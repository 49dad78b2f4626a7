"""Numbers and waiting times of a sweep, which tests scale."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.sweep.abort.thresholds import AbortThresholds

__all__ = ["SweepRules"]


@dataclass(frozen=True, slots=True)
class SweepRules:
    """Numbers and waiting times of a sweep.

    Attributes:
        concurrency: Queries in flight at most.
        canary: How many pairs are asked first, of different organizations if there are several.
        replace_s: Pairs of the canary without an outcome after this many seconds are replaced.
        reach_s: Give up if no connection could be made for this many seconds from the start.
        reach_every_s: Seconds between two attempts to reach the gateway.
        finish_s: After a cancel, queries in flight have this many seconds to finish.
        check_every_s: Seconds between two checks of the clock and of the gateway's health.
        block: Pairs on disk are loaded in blocks of at least so many, each of one or more
            partitions; loading a block costs some time, whatever its size.
        abort: The thresholds above which the sweep is stopped.
    """

    concurrency: int = 64
    canary: int = 5
    replace_s: float = 3.0
    reach_s: float = 30.0
    reach_every_s: float = 1.0
    finish_s: float = 10.0
    check_every_s: float = 1.0
    block: int = 32_768
    abort: AbortThresholds = field(default_factory=AbortThresholds)
