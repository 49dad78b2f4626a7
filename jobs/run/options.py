"""The run date of a run, its time limit, and whether it resumes an earlier run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from palm.clock import Clock

if TYPE_CHECKING:
    from jobs.deadline import TimeLimit

__all__ = ["RunOptions"]


def _no_limit() -> TimeLimit:
    from jobs.deadline import TimeLimit  # noqa: PLC0415 - time zones, which --help does not need

    return TimeLimit()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of the whole run.

    Attributes:
        run_date: The business date of the report.
        timezone: The name of the time zone whose date today is the default run date.
        date_given: Whether ``run_date`` was given; if not, the date of an unfinished run may be
            taken instead.
        time: The time limit.
        clock: The clock of the whole run: of its time limit, its client and its progress.
        fresh: Whether the answers of an unfinished run are ignored.
        retry_unanswered: Whether the run corrects the report of ``run_date``.
        partitions: Into how many parts the pairs are divided, a power of two; None: one up to a
            million pairs, more beyond.
    """

    run_date: date
    timezone: str = "Asia/Shanghai"
    date_given: bool = True
    time: TimeLimit = field(default_factory=_no_limit)
    clock: Clock = field(default_factory=Clock)
    fresh: bool = False
    retry_unanswered: bool = False
    partitions: int | None = None

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the time limit; None if there is no limit."""
        return self.time.seconds_left(self.clock)

    @property
    def is_out_of_time(self) -> bool:
        """Whether the time limit has passed."""
        return self.time.has_passed(self.clock)

    def today(self) -> date:
        """Return today's date in the time zone of the run."""
        from jobs.deadline import today_in  # noqa: PLC0415 - not needed for --help

        return today_in(self.timezone, datetime.now(UTC))
