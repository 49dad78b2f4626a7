"""The sweep in its surroundings: client, journal, clock, signals, progress."""

from __future__ import annotations

import gc
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

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
from jobs.report.request_info import Pace
from jobs.run.config import Options
from jobs.run.endpoint import Endpoint
from jobs.run.remedy import remedy
from jobs.run.signals import halted_by_signals
from jobs.schema import UnknownReason
from jobs.sweep.answers import usable
from jobs.sweep.cancel import CancelReason, CancelToken, cancel_when_over
from jobs.sweep.engine import sweep
from jobs.sweep.file_limit import connections_within_limit
from jobs.sweep.order import order
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from palm import AsyncPalm, PalmError
from palm.resilience.pacer import SAFETY_MARGIN

__all__ = ["Asked", "ask_all", "within_limits"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking.

    Attributes:
        answers: Columns ``ANSWERS``.
        stats: Counts.
        pace: How fast, for the report's metadata.
        journal: To be removed once the report is published; None: there was none.
        cut: Whether there was not time for all.
        not_asked: How many pairs there was no time for.
    """

    answers: pd.DataFrame
    stats: RequestStats
    pace: Pace
    journal: Journal | None
    cut: bool = False
    not_asked: int = 0


async def ask_all(
    options: Options,
    endpoint: Endpoint,
    pairs: pd.DataFrame,
    baseline: pd.DataFrame,
    console: Console,
    *,
    has_good_answer: bool = False,
    begin: Callable[[int], None] = lambda _: None,
) -> Asked:
    """Ask about all pairs, or as many as there is time for.

    Args:
        options: How.
        endpoint: Whom.
        pairs: Columns ``PAIRS``.
        baseline: Columns ``ROWS``: says whom to ask first where there is not time for all.
        console: For the progress bar.
        has_good_answer: Whether there is a good answer already, about some other pair.
        begin: Is called before the first question, with how many answers there are already.

    Raises:
        RunError: The run ended before it had a verdict; what is known is in the journal.
    """
    stats, cancel = RequestStats(), CancelToken()
    with ExitStack() as stack:
        journal = _open_journal(options, endpoint, pairs, stack)
        begin(len(journal.resumed) if journal else 0)
        stack.enter_context(_seldom_collected())
        caught = stack.enter_context(halted_by_signals(cancel))
        started = time.monotonic()
        palm = _client(options, endpoint, stats)
        stack.enter_context(cancel_when_over(cancel, lambda: options.seconds_left))
        progress = showing_progress(
            stats,
            console,
            bar=options.progress,
            more=lambda: _pace(options, palm, stats, time.monotonic() - started),
        )
        try:
            async with palm, progress:
                answers = await sweep(
                    _logged(palm, options),
                    pairs,
                    query_throttled=_logged(
                        palm.with_options(retry=options.waits.throttled_again), options
                    ),
                    stats=stats,
                    rules=_rules(options),
                    order=_order(options, pairs, baseline),
                    has_good_answer=has_good_answer,
                    resumed=journal.resumed if journal else (),
                    on_final=journal.put if journal else lambda _: None,
                    cancel=cancel,
                )
        except UnnamedAnswersError as error:
            kept = f"; {_kept(stats, journal)}" if stats.answered else ""
            raise error.saying(f"{error}{kept}") from None
        except AbortedError as error:
            raise error.saying(f"{error}; {_resumable(options, stats, journal)}") from None
        except NotNowError as error:
            if not stats.answered:
                raise
            raise error.saying(f"{error}; {_resumable(options, stats, journal)}") from None
        if journal is not None:
            journal.close()
            journal.check()
        if cancel.reason is CancelReason.SIGNAL:
            raise _interrupted(caught[0], options, stats, journal)
    pace = _whole_pace(options, palm, stats, time.monotonic() - started)
    not_asked = int((answers["unknown_reason"] == UnknownReason.NOT_ASKED).sum())
    cut = cancel.reason is CancelReason.DEADLINE
    return Asked(answers, stats, pace, journal, cut=cut, not_asked=not_asked)


def _open_journal(
    options: Options, endpoint: Endpoint, pairs: pd.DataFrame, stack: ExitStack
) -> Journal | None:
    files = options.store.outputs.sidecars
    if files is None:
        return None
    journal = Journal.open(files, options.run_date, endpoint.gateway, pairs, fresh=options.fresh)
    log = structlog.get_logger("palm.run")
    for line in journal.messages:
        log.warning(line)
    journal.resumed = usable(journal.resumed, accept_unnamed=options.sweep.accept_unnamed)
    if journal.resumed:
        said = f"Resuming: {len(journal.resumed):,} of {len(pairs):,} answers kept"
        log.info(said)
    return stack.enter_context(journal)


def within_limits(options: Options) -> Options:
    """Return the options with no more in flight than this process may have open.

    Raises:
        UsageError: There is room for none.
    """
    possible = connections_within_limit(
        options.in_flight, each=1 if options.settings is not None else 2
    )
    if possible < options.in_flight:
        requests = "request" if possible == 1 else "requests"
        structlog.get_logger("palm.run").warning(
            f"The limit of open files allows {possible:,} {requests} in flight instead of "
            f"{options.in_flight:,}: raise it with ulimit -n, or use --concurrency {possible}"
        )
    return options.with_at_most(possible)


def _client(options: Options, endpoint: Endpoint, stats: RequestStats) -> AsyncPalm:
    waits = options.waits
    return AsyncPalm(
        merchant=endpoint.merchant,
        keys=endpoint.keys,
        base_url=endpoint.base_url,
        proxy=endpoint.proxy,
        ca_file=endpoint.ca_file,
        rate=options.quota,
        retry=waits.retry,
        timeouts=waits.timeouts,
        adaptation=waits.adaptation,
        hosts=waits.hosts,
        breaker=waits.breaker,
        accept_unnamed=options.sweep.accept_unnamed,
        on_attempt=stats.attempted,
    )


def _logged(palm: AsyncPalm, options: Options) -> Any:  # noqa: ANN401 - an Ask
    """Return the question, with each failure logged where that is asked for (``-v``)."""
    log = structlog.get_logger("palm.pair")
    get, person = palm.authorizations.get, options.person
    if not logging.getLogger("palm.pair").isEnabledFor(logging.DEBUG):
        return get

    async def ask(openid: str, organization_id: str) -> Any:  # noqa: ANN401 - as get
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


def _rules(options: Options) -> SweepRules:
    """Return how to sweep; with a deadline the first connection is waited for until then."""
    rules = replace(options.waits.sweep, concurrency=options.in_flight)
    return replace(rules, reach_s=math.inf) if options.time.is_set else rules


def _order(options: Options, pairs: pd.DataFrame, baseline: pd.DataFrame) -> list[int] | None:
    """Return whom to ask first, where there may not be time for all."""
    if not options.time.is_set:
        return None
    return [int(place) for place in order(pairs, baseline, run_date=options.run_date)]


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let the garbage collector pass over what is there already, and come seldom.

    A question leaves hardly a cycle behind, but the collector would look through all of pandas
    again and again: it took a twentieth of the run's time.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _interrupted(
    kind: type[RunInterruptedError],
    options: Options,
    stats: RequestStats,
    journal: Journal | None,
) -> RunInterruptedError:
    return kind(f"interrupted; {_resumable(options, stats, journal)}")


def _resumable(options: Options, stats: RequestStats, journal: Journal | None) -> str:
    """Return what is kept of a run that ended before its verdict, and how to go on with it."""
    return f"{_kept(stats, journal)}; {remedy(options, 'to go on')}"


def _kept(stats: RequestStats, journal: Journal | None) -> str:
    """Return what is kept of a run that ended before its verdict; the journal is closed first."""
    answers = f"the answers about {stats.answered:,} of {stats.pairs:,} pairs"
    if journal is None:
        return f"{answers} are lost, for no file is written"
    journal.close()
    try:
        journal.check()
    except RunError as error:  # the last ones could not be written
        return str(error)
    return f"{answers} are kept in the journal"


def _pace(options: Options, palm: AsyncPalm, stats: RequestStats, seconds: float) -> dict[str, Any]:
    """Return how long the run was held back so far, and by what."""
    throttled = palm.adaptation.paused_s if palm.adaptation else 0.0
    outage = palm.breaker.open_s if palm.breaker else 0.0
    used = stats.requests / (options.quota * SAFETY_MARGIN)
    return {
        "throttled_seconds": round(throttled, 3),
        "outage_seconds": round(outage, 3),
        # What is left of the time once each request has had its slot: too few were in flight.
        "starved_seconds": round(max(0.0, seconds - used - throttled - outage), 3),
        "pauses": palm.adaptation.pauses if palm.adaptation else 0,
        "outages": palm.breaker.openings if palm.breaker else 0,
        "host_switches": palm.hosts.switches,
    }


def _whole_pace(options: Options, palm: AsyncPalm, stats: RequestStats, seconds: float) -> Pace:
    return Pace(
        rate=options.quota,
        concurrency=options.in_flight,
        seconds=round(seconds, 3),
        achieved_rate=round(stats.requests / seconds, 3) if seconds else 0.0,
        worst_second=palm.pacer.worst_second if palm.pacer else 0,
        **_pace(options, palm, stats, seconds),
    )
