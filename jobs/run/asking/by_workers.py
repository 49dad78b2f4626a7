"""Asks about all pairs by workers: the canary here, alone; everything else there."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jobs.cluster.dask_engine import open_engine
from jobs.cluster.dispatch.dispatch import Dispatch
from jobs.cluster.dispatch.engine import Engine
from jobs.cluster.dispatch.task_files import TaskFiles, most_pairs
from jobs.cluster.dispatch.totals import Totals
from jobs.cluster.dispatch.workers import Workers
from jobs.cluster.joint.abort import JointAbort
from jobs.cluster.joint.authority import Authority
from jobs.cluster.joint.breaker import JointBreaker
from jobs.cluster.joint.rate import JointRate
from jobs.cluster.quota.ledger import Ledger
from jobs.cluster.tasks.introduction import introduce
from jobs.cluster.tasks.job import Job
from jobs.partitions.partitioned import PartitionedFrame
from jobs.report.request_info import ClusterInfo
from jobs.run.asking.pace import Measured
from jobs.run.asking.task_outcomes import TaskOutcomes
from jobs.run.asking.worker_places import WorkerPlaces
from jobs.schema import UnknownReason
from jobs.sweep.abort.monitor import UNVERIFIED, AbortMonitor
from jobs.sweep.blocks.block import Slice
from jobs.sweep.blocks.outcome_files import OutcomesOnDisk
from jobs.sweep.cancel import CancelReason, CancelToken
from jobs.sweep.engine import LAST_ROUND
from jobs.sweep.stats import RequestStats

if TYPE_CHECKING:
    from jobs.run.asking.session import Session

__all__ = ["ByWorkers", "Round"]

_LEAST_IN_FLIGHT: Final = 16
"""Of one worker: its own answers come in bursts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What is asked about.

    Attributes:
        pairs: Columns ``PAIRS``.
        outcomes: Of the same pairs.
        slices: Returns the pairs without an outcome, in the order to ask.
        ask_first: Asks about the first few pairs here, and returns what judged them.
    """

    pairs: PartitionedFrame
    outcomes: OutcomesOnDisk
    slices: Callable[[], Iterator[Slice]]
    ask_first: Callable[[], Awaitable[AbortMonitor]]


class ByWorkers:
    """Asks about all pairs of a run by workers.

    Args:
        places: Which workers, and the folders that they see.
        session: What the sweep needs around it.
        asked: What is asked about.
        stats: Is kept up to date.
        cancel: Once it is set, no further pairs are asked.

    Attributes:
        on_begin: Called when the first pair is about to be asked about.
    """

    def __init__(
        self,
        places: WorkerPlaces,
        session: Session,
        asked: Round,
        stats: RequestStats,
        cancel: CancelToken,
    ) -> None:
        self.on_begin: Callable[[], None] = lambda: None
        self._asked_twice = 0
        self._grants_from = self._settling_s = 0.0
        self._places, self._session, self._asked = places, session, asked
        self._stats, self._cancel = stats, cancel
        self._clock = session.run.clock
        self._job = secrets.token_hex(4)
        self._leases = session.waits.leases
        self._own = introduce(session.endpoint.merchant, session.endpoint.keys)
        self._totals = Totals(stats)
        self._authority: Authority | None = None
        self._workers: Workers | None = None

    def measured(self) -> Measured:
        """Return what is known of the pace of all workers together."""
        if self._authority is None:
            return Measured(0.0, 0.0, 0, 0, 0, 0)
        rate, breaker = self._authority.rate, self._authority.breaker
        return Measured(
            throttled_s=rate.adaptation.paused_s,
            outage_s=breaker.open_s(self._clock.elapsed()),
            pauses=rate.pauses,
            outages=breaker.openings,
            host_switches=self._totals.host_switches,
            worst_second=min(self._totals.worst_second, self._authority.ledger.most_reserved),
            settling_s=self._settling_s,
        )

    def info(self) -> ClusterInfo | None:
        """Return what the report says about the workers; None: there was none."""
        if self._workers is None or self._authority is None:
            return None
        return ClusterInfo(
            workers=len(self._workers.usable),
            joined=self._workers.joined,
            lost=self._workers.lost,
            most_promised=self._authority.ledger.most_reserved,
            asked_twice=self._asked_twice,
        )

    async def ask(self) -> None:
        """Ask about all pairs, those without a final outcome twice.

        The workers are left open for the rows to be written, unless there will be none.

        Raises:
            RunError: Asking further pairs would be wrong, or is not possible.
            OSError: A partition, a task or its outcomes cannot be read or written.
        """
        if self._cancel.is_set():  # the deadline is over: what is kept needs no worker
            await self._asked.ask_first()  # nobody, but what is kept is counted
            return
        cluster, crew = self._places.cluster, self._places.crew
        engine = await crew.open(open_engine(cluster.address, cluster.workers))
        self._workers = Workers(
            engine, self._own, self._places.settings, self._clock, address=cluster.address
        )
        crew.know(self._workers)
        is_done = False
        try:
            await self._ask_by(engine, self._workers)
            await engine.end()
            self._workers.end_of_asking()
            is_done = self._cancel.reason is not CancelReason.SIGNAL
        finally:
            if not is_done:
                await crew.close()

    async def _ask_by(self, engine: Engine, workers: Workers) -> None:
        await workers.wait_for_first(self._cancel.is_set)
        self.on_begin()
        monitor = await self._asked.ask_first()
        if self._cancel.is_set():
            return
        self._totals = Totals(self._stats)
        try:
            await self._ask_all(engine, monitor)
        finally:
            self._count_pairs()

    def _count_pairs(self) -> None:
        """Set the counts of pairs to what the outcomes are: an answer may be lost with a worker.

        What a worker did not report before it was lost is in its journals: each good answer there
        was a request. What it had in flight then was asked about again.
        """
        self._totals.end()
        pairs, outcomes, stats = self._asked.pairs, self._asked.outcomes, self._stats
        unknown = outcomes.count(*UnknownReason)
        good = len(pairs) - unknown
        unreported = max(0, good - stats.resumed - stats.outcomes["ok"])
        cut_off = self._totals.cut_off(self._known_workers().usable, unreported)
        not_asked = outcomes.count(UnknownReason.NOT_ASKED)  # some may have been in flight
        self._asked_twice = max(0, stats.answered - good) + max(0, cut_off - not_asked)
        stats.requests += unreported
        stats.outcomes["ok"] += unreported
        stats.answered, stats.failed = good, unknown - not_asked

    async def _ask_all(self, engine: Engine, monitor: AbortMonitor) -> None:
        asked, run = self._asked, self._session.run
        outcomes = asked.outcomes
        store = TaskOutcomes(
            outcomes, asked.pairs, self._places.journals, self._job,
            run_date=run.run_date, gateway=self._session.endpoint.gateway,
        )  # fmt: skip
        dispatch = self._dispatch(engine, monitor, store)
        await engine.begin(self._new_job(asked.pairs.bits), dispatch.receive)
        await self._wait_until(self._grants_from)
        monitor.accepted()  # before that, nobody could have had an answer
        files = TaskFiles(self._places.tasks, asked.pairs, outcomes)

        async def ask(slices: Iterator[Slice], pairs: int, *, again: bool) -> None:
            most = most_pairs(pairs, self._count())
            tasks = files.tasks(
                slices, most=most, again=again, has_good_answer=lambda: monitor.has_good_answer
            )
            await dispatch.ask(tasks)

        await ask(asked.slices(), outcomes.count(UnknownReason.NOT_ASKED), again=False)
        pairs = outcomes.count(*LAST_ROUND)
        if pairs and not self._cancel.is_set():
            monitor.begin_last_round()
            await ask(outcomes.slices(*LAST_ROUND), pairs, again=True)
        if self._session.evidence is not None:
            await asyncio.to_thread(store.collect, self._session.evidence)
        if not self._cancel.is_set():
            known = len(asked.pairs) - outcomes.count(UnknownReason.NOT_ASKED)
            monitor.check_verified(outcomes.count(*UNVERIFIED), known)

    def _dispatch(self, engine: Engine, monitor: AbortMonitor, store: TaskOutcomes) -> Dispatch:
        session, waits = self._session, self._session.waits
        quota, now = session.sweep.quota, self._clock.elapsed()
        # The canary's requests were this process's own: nothing is granted for a while.
        settled = max(self._places.began_s, now - self._leases.lease_s)
        self._grants_from = settled + self._leases.settled_s
        ledger = Ledger(quota, started_at=settled, rules=self._leases)
        authority = self._authority = Authority(
            ledger, JointRate(quota, waits.adaptation), JointBreaker(waits.breaker, now=now)
        )
        return Dispatch(
            engine,
            self._known_workers(),
            authority=authority,
            abort=JointAbort(monitor),
            totals=self._totals,
            store=store.store(),
            cancel=self._cancel,
            clock=self._clock,
            seconds_left=lambda: session.run.seconds_left,
            check_every_s=waits.sweep.check_every_s,
            finish_s=waits.sweep.finish_s,
            stops_s=self._leases.lease_s,
        )

    def _new_job(self, bits: int) -> Job:
        session, waits = self._session, self._session.waits
        endpoint, in_flight = session.endpoint, session.sweep.in_flight
        return Job(
            id=self._job,
            run_date=session.run.run_date,
            gateway=endpoint.gateway,
            settings=self._places.settings,
            own=self._own,
            base_url=tuple(endpoint.base_url),
            journals=self._places.journals,
            bits=bits,
            in_flight=max(_LEAST_IN_FLIGHT, -(-in_flight // self._count())),
            accept_unnamed=session.sweep.accept_unnamed,
            keep_signed=session.evidence is not None,
            finish_s=waits.sweep.finish_s,
            retry=waits.retry,
            throttled_again=waits.throttled_again,
            timeouts=waits.timeouts,
            hosts=waits.hosts,
            leases=self._leases,
        )

    async def _wait_until(self, until: float) -> None:
        """Wait until a time of the clock that runs while the machine sleeps, or a cancel."""
        began = self._clock.monotonic()
        while (left := until - self._clock.elapsed()) > 0 and not self._cancel.is_set():
            await self._clock.sleep(min(left, 0.25))
        self._settling_s += self._clock.monotonic() - began

    def _count(self) -> int:
        return max(1, len(self._known_workers().usable))

    def _known_workers(self) -> Workers:
        if self._workers is None:
            raise RuntimeError("nothing was asked yet")
        return self._workers
