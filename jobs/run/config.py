"""What the command was asked to do, as values; each is described by ``palm-reconcile --help``."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from jobs.compare.fail_on import Rule
from jobs.deadline import Deadline, elapsed_clock
from jobs.input.size_limit import DEFAULT_MAX_SIZE
from jobs.observe.logs import Person
from jobs.render.translations import Language
from jobs.run.typed_command import TypedOption
from jobs.store.outputs import Outputs
from jobs.sweep.abort import AbortThresholds
from jobs.sweep.engine import SweepRules
from palm import AdaptationRules, BreakerRules, HostRules, Retry, Timeouts
from palm.settings import Settings

__all__ = ["LIVE_RATE", "SANDBOX_RATE", "Options", "Waits"]

LIVE_RATE: Final = 50.0
SANDBOX_RATE: Final = 1000.0
_THROTTLES_AGAIN: Final = 3
_LEAST: Final = 64
_MOST: Final = 1024


@dataclass(frozen=True, slots=True)
class Waits:
    """Every waiting time, with its default, so that tests scale it."""

    retry: Retry = field(default_factory=lambda: Retry(patience_s=float("inf")))
    timeouts: Timeouts = field(default_factory=Timeouts)
    adaptation: AdaptationRules = field(default_factory=AdaptationRules)
    hosts: HostRules = field(default_factory=HostRules)
    breaker: BreakerRules = field(default_factory=BreakerRules)
    sweep: SweepRules = field(default_factory=SweepRules)

    @property
    def throttled_again(self) -> Retry:
        """How a pair is asked in the last round that was throttled again and again before.

        Its throttles say nothing of the pace of the others.
        """
        return replace(self.retry, throttles=_THROTTLES_AGAIN, adapts=False)

    @classmethod
    def patient(cls, seconds: float | None, *, is_timed: bool = False) -> Waits:
        """Return the defaults, but for how long no answer at all may be accepted.

        Args:
            seconds: None: until the time there is has passed, or as long as is usual.
            is_timed: Whether the run has a deadline, or a longest duration.
        """
        if seconds is None and is_timed:
            seconds = float("inf")
        rules = AbortThresholds() if seconds is None else AbortThresholds(patience_s=seconds)
        return cls(sweep=SweepRules(abort=rules))


@dataclass(frozen=True, slots=True)
class Options:
    """The options.

    Attributes:
        settings: None: ask a sandbox inside this process.
        date_given: Whether ``run_date`` was; otherwise an unfinished run's may be taken instead.
        seconds: The time there is, from ``made`` on; None: as long as it takes.
        deadline: Until when there is time; None: as long as it takes.
        made: When these options were, on ``elapsed``.
        elapsed: Seconds on a clock that never goes back, and goes on while the machine sleeps.
        clock: Unix seconds.
        typed: The options after the command's name; shown only without what could be a secret.
        rate: Requests per second; None: the default.
        quota_share: The part of ``rate`` that this job may take.
        progress: A bar, lines, or (None) nothing.
        person: Stands for openids in logs.
    """

    source: str
    outputs: Outputs
    run_date: date
    timezone: str
    settings: Settings | None
    date_given: bool = True
    baseline: Path | None = None
    compare: bool = True
    require_baseline: bool = False
    max_dropped: float = 0.5
    rate: float | None = None
    quota_share: float = 1.0
    concurrency: int | None = None
    seconds: float | None = None
    deadline: Deadline | None = None
    max_unknown: float = 0.01
    forget_after_days: int = 90
    replace: bool = False
    fresh: bool = False
    retry_unanswered: bool = False
    fail_on: tuple[Rule, ...] = ()
    keep_days: int | None = None
    language: Language = Language.EN
    accept_unnamed: bool = False
    openid_column: str = "openid"
    organization_column: str = "organization_id"
    encoding: str | None = None
    max_input_size: int = DEFAULT_MAX_SIZE
    progress: bool | None = None
    person: Person = field(default_factory=Person)
    waits: Waits = field(default_factory=Waits)
    elapsed: Callable[[], float] = elapsed_clock
    clock: Callable[[], float] = time.time
    made: float = field(default_factory=elapsed_clock)
    typed: tuple[TypedOption, ...] = field(default=(), repr=False)

    @property
    def seconds_left(self) -> float | None:
        """What is left of the time there is; None: as long as it takes."""
        left = []
        if self.seconds is not None:
            left.append(self.seconds - (self.elapsed() - self.made))
        if self.deadline is not None:
            left.append(self.deadline.seconds_left(self.clock()))
        return max(0.0, min(left)) if left else None

    @property
    def is_timed(self) -> bool:
        """Whether there may not be time for all pairs."""
        return self.seconds is not None or self.deadline is not None

    @property
    def has_no_time(self) -> bool:
        """Whether nobody can be asked, so that only an earlier run's answers can be published."""
        passed = self.deadline is not None and self.deadline.seconds_left(self.clock()) <= 0
        return passed or self.seconds == 0

    @property
    def quota(self) -> float:
        """Requests per second that this job may send."""
        default = SANDBOX_RATE if self.settings is None else LIVE_RATE
        return (self.rate if self.rate is not None else default) * self.quota_share

    @property
    def in_flight(self) -> int:
        """Requests in flight at most."""
        return self.concurrency or int(min(max(self.quota, _LEAST), _MOST))
