"""Runs the sweep with its client, journal, time limit, signals and progress."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from rich.console import Console

from jobs.journal.journal import Journal
from jobs.observe.progress import showing_progress
from jobs.partitions.partitioned import PartitionedFrame
from jobs.plurals import counted
from jobs.run.asking.client import client_of, query_of
from jobs.run.asking.pace import PaceMeter, measured_by
from jobs.run.asking.session import Asked, Session
from jobs.run.asking.signals import halted_by_signals
from jobs.run.options import RunOptions
from jobs.run.resumption.kept_answers import adding_what_is_kept, interrupted
from jobs.schema import UnknownReason
from jobs.sweep.abort.monitor import AbortMonitor
from jobs.sweep.blocks.bands import by_urgency, not_asked
from jobs.sweep.blocks.block import Slice
from jobs.sweep.blocks.outcome_files import OutcomesOnDisk
from jobs.sweep.blocks.outcomes import Outcomes, OutcomesInMemory
from jobs.sweep.blocks.restored import Restored
from jobs.sweep.cancel import CancelReason, CancelToken, cancel_when_over
from jobs.sweep.engine import ask_first, sweep
from jobs.sweep.final_outcomes import OnFinal
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from palm import AsyncPalm

if TYPE_CHECKING:
    from jobs.run.asking.by_workers import ByWorkers

__all__ = ["ask_all"]


async def ask_all(
    session: Session,
    pairs: PartitionedFrame,
    baseline_rows: PartitionedFrame,
    console: Console,
    *,
    has_good_answer: bool = False,
    begin: Callable[[int], None] = lambda _: None,
) -> Asked:
    """Ask about all pairs, or about as many as the time limit allows.

    Args:
        session: What the sweep needs around it.
        pairs: Columns ``PAIRS``.
        baseline_rows: Columns ``ROWS``; decides the order if there is a time limit.
        console: For the progress bar.
        has_good_answer: Whether there is a good answer already, about some other pair.
        begin: Called before the first request with the number of answers in the journal.

    Raises:
        RunError: The run ended before it had a verdict; what is known is in the journal.
        OSError: A partition or its outcomes cannot be read or written.
    """
    if session.workers is not None:
        await session.workers.wait_for_old_leases(session.waits.leases, session.run.clock)
    with ExitStack() as stack:
        outcomes = _outcomes(session.outcomes, pairs)
        restored = Restored(outcomes, accept_unnamed=session.sweep.accept_unnamed)
        journal = _open_journal(session, pairs, restored, stack)
        begin(len(restored))
        return await _ask(
            session,
            pairs,
            console,
            restored=restored,
            slices=partial(_slices, session.run, pairs, baseline_rows, outcomes),
            journal=journal,
            has_good_answer=has_good_answer,
        )


async def _ask(
    session: Session,
    pairs: PartitionedFrame,
    console: Console,
    *,
    restored: Restored,
    slices: Callable[[], Iterator[Slice]],
    journal: Journal | None,
    has_good_answer: bool,
) -> Asked:
    stats, cancel, clock = RequestStats(), CancelToken(), session.run.clock
    asking = _Asking(
        session=session,
        pairs=pairs,
        restored=restored,
        slices=slices,
        on_final=journal.put if journal else lambda *_: None,
        has_good_answer=has_good_answer,
        stats=stats,
        cancel=cancel,
    )
    with ExitStack() as stack:
        stack.enter_context(_seldom_collected())
        caught = stack.enter_context(halted_by_signals(cancel))
        palm = client_of(session, stats)
        workers = _workers(asking, palm)
        measured = workers.measured if workers else partial(measured_by, palm)
        meter = PaceMeter(measured, stats, session.sweep, clock)
        if workers is not None:
            workers.on_begin = meter.begin
        stack.enter_context(cancel_when_over(cancel, lambda: session.run.seconds_left))
        progress = showing_progress(stats, console, bar=session.bar, more=meter.delays, clock=clock)
        with adding_what_is_kept(stats, journal, session.remedy):
            async with palm, progress:
                await (asking.here(palm) if workers is None else workers.ask())
        if journal is not None:
            journal.close()
            journal.check()
        if cancel.reason is CancelReason.SIGNAL:
            raise interrupted(caught[0], session.remedy, stats, journal)
    outcomes = restored.outcomes
    return Asked(
        outcomes.frames(),
        stats,
        meter.pace(),
        cut=cancel.reason is CancelReason.DEADLINE,
        not_asked=outcomes.count(UnknownReason.NOT_ASKED),
        resumed_ms=journal.resumed_ms if journal else None,
        cluster=workers.info() if workers else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """What is asked about, by whomever.

    Attributes:
        session: What the sweep needs around it.
        pairs: Columns ``PAIRS``.
        restored: Answers of an earlier, unfinished run, and the place of this one's.
        slices: Returns the pairs without an outcome, in the order to ask.
        on_final: Takes final outcomes.
        has_good_answer: Whether there is a good answer already, about some other pair.
        stats: Is kept up to date.
        cancel: Once it is set, no further pairs are asked.
    """

    session: Session
    pairs: PartitionedFrame
    restored: Restored
    slices: Callable[[], Iterator[Slice]]
    on_final: OnFinal
    has_good_answer: bool
    stats: RequestStats
    cancel: CancelToken

    async def here(self, palm: AsyncPalm) -> None:
        """Ask about all pairs with this process's client."""
        session = self.session
        throttled = palm.with_options(retry=session.waits.throttled_again)
        await sweep(
            query_of(palm, session),
            self.pairs,
            query_throttled=query_of(throttled, session),
            stats=self.stats,
            rules=_rules(session),
            slices=self.slices(),
            has_good_answer=self.has_good_answer,
            restored=self.restored,
            on_final=self.on_final,
            cancel=self.cancel,
            clock=session.run.clock,
        )

    async def first(self, palm: AsyncPalm) -> AbortMonitor:
        """Ask about the first few pairs with this process's client; return what judged them."""
        return await ask_first(
            query_of(palm, self.session),
            self.pairs,
            stats=self.stats,
            rules=_rules(self.session),
            slices=self.slices(),
            restored=self.restored,
            has_good_answer=self.has_good_answer,
            on_final=self.on_final,
            cancel=self.cancel,
            clock=self.session.run.clock,
        )


def _workers(asking: _Asking, palm: AsyncPalm) -> ByWorkers | None:
    """Return what asks by workers; None: this process asks."""
    places, outcomes = asking.session.workers, asking.restored.outcomes
    if places is None or not isinstance(outcomes, OutcomesOnDisk):
        return None
    from jobs.run.asking.by_workers import ByWorkers, Round  # noqa: PLC0415 - imports Dask

    asked = Round(
        pairs=asking.pairs,
        outcomes=outcomes,
        slices=asking.slices,
        ask_first=partial(asking.first, palm),
    )
    return ByWorkers(places, asking.session, asked, asking.stats, asking.cancel)


def _outcomes(folder: Path | None, pairs: PartitionedFrame) -> Outcomes:
    """Return where the outcomes are kept."""
    return OutcomesInMemory(pairs) if folder is None else OutcomesOnDisk(pairs, folder)


def _open_journal(
    session: Session, pairs: PartitionedFrame, restored: Restored, stack: ExitStack
) -> Journal | None:
    if session.files is None:
        return None
    run, gateway = session.run, session.endpoint.gateway
    journal = Journal.open(
        session.files,
        run.run_date,
        gateway,
        pairs,
        restored,
        folder=session.journals,
        fresh=run.fresh,
        collector=session.evidence,
        only_signed=session.evidence is not None and not run.is_out_of_time,
    )
    log = structlog.get_logger("palm.run")
    for line in journal.messages:
        log.warning(line)
    if len(restored):
        line = f"Resuming: {len(restored):,} of {counted(len(pairs), 'answer')} kept"
        log.info(line)
    return stack.enter_context(journal)


def _rules(session: Session) -> SweepRules:
    """Return when to stop; with a time limit the first connection is waited for until then."""
    rules = replace(session.waits.sweep, concurrency=session.sweep.in_flight)
    return replace(rules, reach_s=math.inf) if session.run.time.is_set else rules


def _slices(
    run: RunOptions, pairs: PartitionedFrame, baseline_rows: PartitionedFrame, outcomes: Outcomes
) -> Iterator[Slice]:
    """Return the pairs in the order to ask, which matters if there is a time limit."""
    if not run.time.is_set:
        return not_asked(pairs, outcomes)
    return by_urgency(pairs, baseline_rows, outcomes, run_date=run.run_date)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let the garbage collector ignore the objects that exist already, and run less often.

    A request creates hardly any reference cycle, but the collector would examine all objects of
    pandas repeatedly, which took 5 % of the run's time.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
