"""Runs the sweep with its client, journal, time limit, signals and progress."""

from __future__ import annotations

import gc
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog
from rich.console import Console

from jobs.evidence.kept import EvidenceCollector
from jobs.journal.journal import Journal
from jobs.observe.progress import showing_progress
from jobs.partitions.partitioned import PartitionedFrame
from jobs.person import Person
from jobs.plurals import counted
from jobs.report.request_info import RequestPace
from jobs.run.config import Waits
from jobs.run.endpoint import Endpoint
from jobs.run.options import RunOptions
from jobs.run.pace import PaceMeter
from jobs.run.resumption.kept_answers import adding_what_is_kept, interrupted
from jobs.run.signals import halted_by_signals
from jobs.schema import UnknownReason
from jobs.store.locations import Sidecars
from jobs.sweep.asking import Query
from jobs.sweep.blocks.bands import by_urgency, not_asked
from jobs.sweep.blocks.block import Slice
from jobs.sweep.blocks.outcome_files import OutcomesOnDisk
from jobs.sweep.blocks.outcomes import Outcomes, OutcomesInMemory
from jobs.sweep.blocks.restored import Restored
from jobs.sweep.cancel import CancelReason, CancelToken, cancel_when_over
from jobs.sweep.engine import sweep
from jobs.sweep.options import SweepOptions
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from palm import AsyncPalm, PalmAuthorization, PalmError

__all__ = ["Asked", "Session", "ask_all"]


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
    """

    answers: PartitionedFrame
    stats: RequestStats
    pace: RequestPace
    cut: bool = False
    not_asked: int = 0
    resumed_ms: int | None = None


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
    with ExitStack() as stack:
        outcomes = _outcomes(session.outcomes, pairs)
        restored = Restored(outcomes, accept_unnamed=session.sweep.accept_unnamed)
        journal = _open_journal(session, pairs, restored, stack)
        begin(len(restored))
        slices = _slices(session.run, pairs, baseline_rows, outcomes)
        return await _ask(
            session,
            pairs,
            console,
            restored=restored,
            slices=slices,
            journal=journal,
            has_good_answer=has_good_answer,
        )


async def _ask(
    session: Session,
    pairs: PartitionedFrame,
    console: Console,
    *,
    restored: Restored,
    slices: Iterator[Slice],
    journal: Journal | None,
    has_good_answer: bool,
) -> Asked:
    stats, cancel = RequestStats(), CancelToken()
    with ExitStack() as stack:
        stack.enter_context(_seldom_collected())
        caught = stack.enter_context(halted_by_signals(cancel))
        palm = _client(session, stats)
        meter = PaceMeter(palm, stats, session.sweep, session.run.clock)
        stack.enter_context(cancel_when_over(cancel, lambda: session.run.seconds_left))
        progress = showing_progress(
            stats, console, bar=session.bar, more=meter.delays, clock=session.run.clock
        )
        with adding_what_is_kept(stats, journal, session.remedy):
            async with palm, progress:
                answers = await sweep(
                    _query(palm, session),
                    pairs,
                    query_throttled=_query(
                        palm.with_options(retry=session.waits.throttled_again), session
                    ),
                    stats=stats,
                    rules=_rules(session),
                    slices=slices,
                    has_good_answer=has_good_answer,
                    restored=restored,
                    on_final=journal.put if journal else lambda *_: None,
                    cancel=cancel,
                    clock=session.run.clock,
                )
        if journal is not None:
            journal.close()
            journal.check()
        if cancel.reason is CancelReason.SIGNAL:
            raise interrupted(caught[0], session.remedy, stats, journal)
    not_asked = restored.outcomes.count(UnknownReason.NOT_ASKED)
    cut = cancel.reason is CancelReason.DEADLINE
    resumed_ms = journal.resumed_ms if journal else None
    return Asked(answers, stats, meter.pace(), cut, not_asked, resumed_ms)


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


def _client(session: Session, stats: RequestStats) -> AsyncPalm:
    endpoint, waits = session.endpoint, session.waits
    return AsyncPalm(
        merchant=endpoint.signer(session.sweep.quota),
        keys=endpoint.keys,
        base_url=endpoint.base_url,
        proxy=endpoint.proxy,
        ca_file=endpoint.ca_file,
        rate=session.sweep.quota,
        connections=session.sweep.in_flight,
        retry=waits.retry,
        timeouts=waits.timeouts,
        adaptation=waits.adaptation,
        hosts=waits.hosts,
        breaker=waits.breaker,
        accept_unnamed=session.sweep.accept_unnamed,
        on_attempt=stats.attempted,
        clock=session.run.clock,
    )


def _query(palm: AsyncPalm, session: Session) -> Query:
    """Return what asks about a pair; with ``-v`` it logs each failure."""
    log, person = structlog.get_logger("palm.pair"), session.person
    get: Query = palm.authorizations.get
    if session.evidence is not None:
        get = partial(palm.authorizations.get, keep_signed=True)
    if not logging.getLogger("palm.pair").isEnabledFor(logging.DEBUG):
        return get

    async def ask(openid: str, organization_id: str) -> PalmAuthorization:
        try:
            return await get(openid, organization_id)
        except PalmError as error:
            log.debug(
                "no answer",
                person=person.of(openid),
                organization_id=organization_id,
                error=str(error),
                attempts=error.attempts,
                request_id=error.request_id,
            )
            raise

    return ask


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
