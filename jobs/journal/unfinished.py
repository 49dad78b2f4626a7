"""Unfinished runs: whose answers a new run can use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

import pandas as pd

from jobs.journal.file import unwritable
from jobs.journal.stored import StoredJournal, check_owner, read_journal, read_own_journal
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars
from jobs.sweep.answers import Row

__all__ = ["find_unfinished", "first_with_answers", "kept_answers"]

_OTHER_DATE_S: Final = 3 * 3600.0
"""A run of another date is resumed by default only if its last answer is younger than this."""


def find_unfinished(
    files: Sidecars, run_date: date, gateway: GatewayId, pairs: pd.DataFrame, *, now: float
) -> StoredJournal | None:
    """Return the journal that a run without ``--run-date`` resumes, or None if it starts anew.

    A journal of ``run_date`` is always resumed. The newest one of another date is resumed only if
    its last answer is less than three hours old, and at least half of its answers are about pairs
    of the input.

    Args:
        files: Names the files beside the report.
        run_date: Today.
        gateway: The gateway that is asked, and the merchant that asks.
        pairs: Columns ``PAIRS``.
        now: Unix seconds.
    """
    for day in [run_date, *(day for day in files.journals() if day < run_date)]:
        journal = read_own_journal(files.journal(day), day, gateway)
        if journal is None or not journal.scan.answers:
            continue
        # A clock that was wrong may have written a time to come: that is not recent either.
        is_recent = abs(now - journal.scan.last_ms / 1000) < _OTHER_DATE_S
        if day == run_date or (is_recent and journal.answers_for(pairs).is_of_this_input):
            return journal
    return None


def first_with_answers(
    files: Sidecars, days: Iterable[date], gateway: GatewayId, pairs: pd.DataFrame
) -> tuple[date, int] | None:
    """Return the first of ``days`` whose journal has answers for an input, and how many."""
    for day in days:
        if rows := kept_answers(files, day, gateway, pairs):
            return day, len(rows)
    return None


def kept_answers(
    files: Sidecars, run_date: date, gateway: GatewayId, pairs: pd.DataFrame
) -> list[Row]:
    """Return what the journal of a run date holds for the pairs of an input; write nothing.

    Raises:
        UsageError: A run would be refused: the journal is of another merchant or gateway.
        OutputError: A run would fail: there is something at the journal's path that cannot be read.
    """
    path = files.journal(run_date)
    try:
        journal = read_journal(path)
    except OSError as error:
        raise unwritable(path, error) from None
    if not isinstance(journal, StoredJournal):
        return []
    check_owner(journal, run_date, gateway)
    kept = journal.answers_for(pairs)
    return kept.rows if kept.is_of_this_input else []
