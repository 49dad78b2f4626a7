"""The options of a run; ``palm-reconcile --help`` describes each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from jobs.cluster.options import ClusterOptions
from jobs.cluster.quota.rules import LeaseRules
from jobs.compare.options import CompareOptions
from jobs.evidence.options import EvidenceOptions
from jobs.input.options import InputOptions
from jobs.observe.options import ObserveOptions
from jobs.person import Person
from jobs.render.language import RenderOptions
from jobs.run.endpoint import EndpointProvider
from jobs.run.options import RunOptions
from jobs.run.resumption.typed_command import TypedOption, typed_option
from jobs.store.options import StoreOptions
from jobs.sweep.abort.thresholds import AbortThresholds
from jobs.sweep.options import SweepOptions
from jobs.sweep.rules import SweepRules
from palm import AdaptationRules, BreakerRules, HostRules, Retry, Timeouts

__all__ = ["Options", "Waits"]

_THROTTLES_AGAIN: Final = 3


@dataclass(frozen=True, slots=True)
class Waits:
    """Every waiting time, with its default, so that tests can scale it."""

    retry: Retry = field(default_factory=lambda: Retry(patience_s=float("inf")))
    timeouts: Timeouts = field(default_factory=Timeouts)
    adaptation: AdaptationRules = field(default_factory=AdaptationRules)
    hosts: HostRules = field(default_factory=HostRules)
    breaker: BreakerRules = field(default_factory=BreakerRules)
    sweep: SweepRules = field(default_factory=SweepRules)
    leases: LeaseRules = field(default_factory=LeaseRules)

    @property
    def throttled_again(self) -> Retry:
        """How a pair that was throttled repeatedly is asked in the last round.

        Its throttles do not slow down the other pairs.
        """
        return replace(self.retry, throttles=_THROTTLES_AGAIN, adapts=False)

    @classmethod
    def patient(cls, seconds: float | None, *, is_timed: bool = False) -> Waits:
        """Return the defaults, except for how long the run goes on without a valid answer.

        Args:
            seconds: How long the run waits for a valid answer; None: until its time limit or, if it
                has none, as long as ``AbortThresholds`` say.
            is_timed: Whether the run has a time limit.
        """
        if seconds is None and is_timed:
            seconds = float("inf")
        rules = AbortThresholds() if seconds is None else AbortThresholds(patience_s=seconds)
        return cls(sweep=SweepRules(abort=rules))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a run. Each stage gets only its own.

    Attributes:
        input: How the input is read.
        store: Where the report goes, and which report it is compared with.
        run: Which night the run is for, and how much time it has.
        sweep: How fast the gateway is asked.
        compare: How the answers are compared and judged.
        cluster: Which workers ask, if not the command itself.
        evidence: Whether what was signed is kept, and where.
        render: How the report is rendered for people.
        observe: What is shown during the run.
        endpoint: Opens the gateway.
        waits: Every waiting time.
        person: Replaces openids by keyed hashes in logs.
        typed: The options as they were typed. Values that may be secret are not shown.
    """

    input: InputOptions
    store: StoreOptions
    run: RunOptions
    endpoint: EndpointProvider
    sweep: SweepOptions = field(default_factory=SweepOptions)
    compare: CompareOptions = field(default_factory=CompareOptions)
    cluster: ClusterOptions = field(default_factory=ClusterOptions)
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    render: RenderOptions = field(default_factory=RenderOptions)
    observe: ObserveOptions = field(default_factory=ObserveOptions)
    waits: Waits = field(default_factory=Waits)
    person: Person = field(default_factory=Person)
    typed: tuple[TypedOption, ...] = field(default=(), repr=False)

    @property
    def command(self) -> tuple[TypedOption, ...]:
        """The options that were typed or, for a run started from Python, input and outputs."""
        if self.typed:
            return self.typed
        source = TypedOption(None, self.input.source, (self.input.source,))
        return (source, *(typed_option("-o", str(path)) for path in self.store.outputs.files))

    def for_date(self, run_date: date) -> Options:
        """Return the options of a run of another date."""
        outputs = self.store.outputs.for_date(run_date)
        return replace(
            self,
            run=replace(self.run, run_date=run_date),
            store=replace(self.store, outputs=outputs),
        )

    def with_at_most(self, in_flight: int) -> Options:
        """Return the options with at most ``in_flight`` requests in flight."""
        return replace(self, sweep=replace(self.sweep, concurrency=in_flight))
