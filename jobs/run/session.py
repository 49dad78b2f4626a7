"""Runs the sweep with its client, journal, time limit, signals and progress."""

from __future__ import annotations

import gc
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import pandas as pd
import structlog
from rich.console import Console

from jobs.errors import (
    AbortedError,
    NotNowError,
    RunError,
    RunInterruptedError,
    UnnamedAnswersError,
)
from jobs.journal.journal import Journal
from jobs.observe.progress import showing_progress
from jobs.person import Person
from jobs.plurals import counted
from jobs.report.request_info import RequestPace
from jobs.run.config import Waits
from jobs.run.endpoint import Endpoint
from jobs.run.options import RunOptions
from jobs.run.pace import PaceMeter
from jobs.run.signals import halted_by_signals
from jobs.schema import UnknownReason
from jobs.store.locations import Sidecars
from jobs.sweep.answers import usable
from jobs.sweep.cancel import CancelReason, CancelToken, cancel_when_over
from jobs.sweep.engine import Query, sweep
from jobs.sweep.options import SweepOptions
from jobs.sweep.order import order
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
        person: Replaces openids in the log.
        bar: Whether a progress bar is shown.
        remedy: Returns the command that resumes the run, as the end of a message.
    """

    endpoint: Endpoint
    run: RunOptions
    sweep: SweepOptions
    waits: Waits
    files: Sidecars | None
    person: Person
    bar: bool
    remedy: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The result of asking.

    Attributes:
        answers: Columns ``ANSWERS``.
        stats: The counts of the sweep.
        pace: How fast the gateway was asked, for the report's metadata.
        journal: The journal, which is not needed after the report is published; None if there is
            none.
        cut: Whether the time limit was reached before all pairs were asked.
        not_asked: How many pairs were not asked because of the time limit.
    """

    answers: pd.DataFrame
    stats: RequestStats
    pace: RequestPace
    journal: Journal | None
    cut: bool = False
    not_asked: int = 0


async def ask_all(
    session: Session,
    pairs: pd.DataFrame,
    baseline_rows: pd.DataFrame,
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
    """
    stats, cancel = RequestStats(), CancelToken()
    with ExitStack() as stack:
        journal = _open_journal(session, pairs, stack)
        begin(len(journal.resumed) if journal else 0)
        stack.enter_context(_seldom_collected())
        caught = stack.enter_context(halted_by_signals(cancel))
        palm = _client(session, stats)
        meter = PaceMeter(palm, stats, session.sweep, session.run.clock)
        stack.enter_context(cancel_when_over(cancel, lambda: session.run.seconds_left))
        progress = showing_progress(
            stats, console, bar=session.bar, more=meter.delays, clock=session.run.clock
        )
        with _adding_what_is_kept(session, stats, journal):
            async with palm, progress:
                answers = await sweep(
                    _logged(palm, session.person),
                    pairs,
                    query_throttled=_logged(
                        palm.with_options(retry=session.waits.throttled_again), session.person
                    ),
                    stats=stats,
                    rules=_rules(session),
                    order=_order(session.run, pairs, baseline_rows),
                    has_good_answer=has_good_answer,
                    resumed=journal.resumed if journal else (),
                    on_final=journal.put if journal else lambda _: None,
                    cancel=cancel,
                    clock=session.run.clock,
                )
        if journal is not None:
            journal.close()
            journal.check()
        if cancel.reason is CancelReason.SIGNAL:
            raise _interrupted(caught[0], session.remedy, stats, journal)
    not_asked = int((answers["unknown_reason"] == UnknownReason.NOT_ASKED).sum())
    cut = cancel.reason is CancelReason.DEADLINE
    return Asked(answers, stats, meter.pace(), journal, cut=cut, not_asked=not_asked)


def _open_journal(session: Session, pairs: pd.DataFrame, stack: ExitStack) -> Journal | None:
    if session.files is None:
        return None
    run = session.run
    gateway = session.endpoint.gateway
    journal = Journal.open(session.files, run.run_date, gateway, pairs, fresh=run.fresh)
    log = structlog.get_logger("palm.run")
    for line in journal.messages:
        log.warning(line)
    journal.resumed = usable(journal.resumed, accept_unnamed=session.sweep.accept_unnamed)
    if journal.resumed:
        line = f"Resuming: {len(journal.resumed):,} of {counted(len(pairs), 'answer')} kept"
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


def _logged(palm: AsyncPalm, person: Person) -> Query:
    """Return what asks about a pair; with ``-v`` it logs each failure."""
    log = structlog.get_logger("palm.pair")
    get = palm.authorizations.get
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


def _order(run: RunOptions, pairs: pd.DataFrame, baseline_rows: pd.DataFrame) -> list[int] | None:
    """Return the positions of ``pairs`` in the order to ask; None without a time limit."""
    if not run.time.is_set:
        return None
    return [int(position) for position in order(pairs, baseline_rows, run_date=run.run_date)]


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


@contextmanager
def _adding_what_is_kept(
    session: Session, stats: RequestStats, journal: Journal | None
) -> Iterator[None]:
    """Add to the message of an error which answers are kept, and how to resume the run."""
    try:
        yield
    except UnnamedAnswersError as error:
        kept = f"; {_kept(stats, journal)}" if stats.answered else ""
        raise error.saying(f"{error}{kept}") from None
    except (AbortedError, NotNowError) as error:
        if isinstance(error, NotNowError) and not stats.answered:
            raise
        line = f"{error}; {_kept(stats, journal)}; {session.remedy()}"
        raise error.saying(line) from None


def _interrupted(
    kind: type[RunInterruptedError],
    remedy: Callable[[], str],
    stats: RequestStats,
    journal: Journal | None,
) -> RunInterruptedError:
    return kind(f"interrupted; {_kept(stats, journal)}; {remedy()}")


def _kept(stats: RequestStats, journal: Journal | None) -> str:
    """Close the journal; return which answers of the run are kept."""
    answers = f"the answers about {stats.answered:,} of {counted(stats.pairs, 'pair')}"
    if journal is None:
        return f"{answers} are lost, for no file is written"
    journal.close()
    try:
        journal.check()
    except RunError as error:  # the last answers could not be written
        return str(error)
    return f"{answers} are kept in the journal"
