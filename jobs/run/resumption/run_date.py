"""Determines the run date: today, the given one, or that of an unfinished run that is resumed."""

from __future__ import annotations

import time
from datetime import date, timedelta

import structlog

from jobs.errors import UsageError
from jobs.journal.unfinished import find_unfinished, first_with_answers
from jobs.loggers import ALWAYS
from jobs.partitions.partitioned import PartitionedFrame
from jobs.plurals import counted
from jobs.report.model import GatewayId
from jobs.run.options import RunOptions
from jobs.store.locations import Sidecars

__all__ = ["resumed_run_date"]


def resumed_run_date(
    run: RunOptions, files: Sidecars | None, gateway: GatewayId, pairs: PartitionedFrame
) -> date:
    """Return the run date: that of an unfinished run of the same pairs, unless a date was given.

    Args:
        run: What holds for the whole run.
        files: Names the files beside the report; None: no file is written.
        gateway: The gateway that is asked.
        pairs: Columns ``PAIRS``.

    Raises:
        UsageError: The time limit has passed, and no unfinished run can be published.
    """
    if run.is_out_of_time:
        return _date_to_publish(run, files, gateway, pairs)
    if run.date_given or run.fresh or files is None:
        return run.run_date
    unfinished = find_unfinished(files, run.run_date, gateway, pairs, now=time.time())
    if unfinished is None or unfinished == run.run_date:
        return run.run_date
    structlog.get_logger(ALWAYS).warning(
        f"Resuming the unfinished run of {unfinished}. Today's report ({run.run_date}) is "
        "NOT made by this run; run again for it"
    )
    return unfinished


def _date_to_publish(
    run: RunOptions, files: Sidecars | None, gateway: GatewayId, pairs: PartitionedFrame
) -> date:
    """Return the date of an unfinished run to publish: the run date, or the day before.

    Raises:
        UsageError: There is none.
    """
    today, deadline = run.run_date, run.time.deadline
    days = [today] if run.date_given else [today, today - timedelta(days=1)]
    over = deadline.passed_text(run.clock.wall()) if deadline else "No time was given"
    journal = (
        first_with_answers(files, days, gateway, pairs)
        if files is not None and not run.fresh
        else None
    )
    if journal is None:
        remedy = (
            "Start earlier, or leave --deadline out"
            if deadline
            else "Leave --max-duration out, or give it more"
        )
        raise UsageError(f"{over}: nothing was asked. {remedy}")
    run_date, answers = journal
    structlog.get_logger("palm.run" if run_date == today else ALWAYS).warning(
        f"{over}: publishing the unfinished run of {run_date}, {answers:,} of "
        f"{counted(len(pairs), 'answer')}"
    )
    return run_date
