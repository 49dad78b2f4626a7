"""What the command was asked to do, as values; each is described by ``palm-reconcile --help``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from jobs.compare.options import CompareOptions
from jobs.deadline import TimeLimit
from jobs.input.options import InputOptions
from jobs.observe.logs import Person
from jobs.run.typed_command import TypedOption
from jobs.store.options import StoreOptions
from jobs.sweep.abort.thresholds import AbortThresholds
from jobs.sweep.options import SweepOptions
from jobs.sweep.rules import SweepRules
from palm import AdaptationRules, BreakerRules, Clock, HostRules, Retry, Timeouts
from palm.settings import Settings

__all__ = ["Options", "Waits"]

_THROTTLES_AGAIN: Final = 3


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run was asked to do: the options of each stage, and what several of them need.

    Attributes:
        settings: None: ask a sandbox inside this process.
        date_given: Whether ``run_date`` was; otherwise an unfinished run's may be taken instead.
        time: The time that there is.
        clock: What ``time`` is compared with.
        fresh: Whether an unfinished run's answers are left aside.
        retry_unanswered: Whether the report of ``run_date`` is corrected.
        progress: A bar, lines, or (None) nothing.
        person: Stands for openids in logs.
        typed: The options after the command's name; shown only without what could be a secret.
    """

    input: InputOptions
    store: StoreOptions
    sweep: SweepOptions = field(default_factory=SweepOptions)
    compare: CompareOptions = field(default_factory=CompareOptions)
    settings: Settings | None
    run_date: date
    timezone: str
    date_given: bool = True
    time: TimeLimit = field(default_factory=TimeLimit)
    clock: Clock = field(default_factory=Clock)
    fresh: bool = False
    retry_unanswered: bool = False
    progress: bool | None = None
    person: Person = field(default_factory=Person)
    waits: Waits = field(default_factory=Waits)
    typed: tuple[TypedOption, ...] = field(default=(), repr=False)

    @property
    def seconds_left(self) -> float | None:
        """What is left of the time there is; None: as long as it takes."""
        return self.time.seconds_left(self.clock)

    @property
    def quota(self) -> float:
        """Requests per second that this job may send."""
        return self.sweep.quota(sandbox=self.settings is None)

    @property
    def in_flight(self) -> int:
        """Requests in flight at most."""
        return self.sweep.in_flight(sandbox=self.settings is None)

    def for_date(self, run_date: date) -> Options:
        """Return the options of a run of another date."""
        outputs = self.store.outputs.for_date(run_date)
        return replace(self, run_date=run_date, store=replace(self.store, outputs=outputs))

    def with_at_most(self, in_flight: int) -> Options:
        """Return the options with no more requests in flight."""
        return replace(self, sweep=replace(self.sweep, concurrency=in_flight))
