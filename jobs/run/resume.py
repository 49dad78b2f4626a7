"""Which run date a run is for: its own, or that of an unfinished run that is gone on with."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog

from jobs.errors import UsageError
from jobs.input.pairs import Input
from jobs.journal.unfinished import find_unfinished, first_with_answers
from jobs.loggers import ALWAYS
from jobs.run.config import Options
from jobs.run.endpoint import Endpoint

__all__ = ["dated"]


def dated(options: Options, source: Input, endpoint: Endpoint) -> Options:
    """Return the options with the date of an unfinished run of the same, where none is given."""
    files = options.store.outputs.sidecars
    if options.time.has_passed(options.clock):
        return _without_time(options, source, endpoint)
    if options.date_given or options.fresh or files is None:
        return options
    found = find_unfinished(
        files, options.run_date, endpoint.gateway, source.pairs, now=time.time()
    )
    if found is None or found.run_date == options.run_date:
        return options
    structlog.get_logger(ALWAYS).warning(
        f"Resuming the unfinished run of {found.run_date}. Today's report ({options.run_date}) is "
        "NOT made by this run; run again for it"
    )
    return options.for_date(found.run_date)


def _without_time(options: Options, source: Input, endpoint: Endpoint) -> Options:
    """Return the options of an unfinished run to be published: of this run date, or the day before.

    Raises:
        UsageError: There is none.
    """
    files, today = options.store.outputs.sidecars, options.run_date
    days = [today] if options.date_given else [today, today - timedelta(days=1)]
    deadline = options.time.deadline
    over = deadline.passed_text(options.clock.wall()) if deadline else "No time was given"
    found = (
        first_with_answers(files, days, endpoint.gateway, source.pairs)
        if files is not None and not options.fresh
        else None
    )
    if found is None:
        remedy = (
            "Start earlier, or leave --deadline out"
            if deadline
            else "Leave --max-duration out, or give it more"
        )
        raise UsageError(f"{over}: nothing was asked. {remedy}")
    run_date, answers = found
    structlog.get_logger("palm.run" if run_date == today else ALWAYS).warning(
        f"{over}: publishing the unfinished run of {run_date}, {answers:,} of "
        f"{len(source.pairs):,} answers"
    )
    return options.for_date(run_date)
