"""Unfinished runs: whose answers a new run can use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial
from typing import Final

from jobs.journal.kept import KeptAnswers
from jobs.journal.paths import JournalPath, existing_journals, journal_dates
from jobs.journal.recovery import read_for_run
from jobs.journal.stored import StoredJournal, read_own_journal
from jobs.partitions.partitioned import PartitionedFrame
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars
from jobs.sweep.answers import usable

__all__ = ["count_kept_answers", "find_unfinished", "first_with_answers"]

_OTHER_DATE_S: Final = 3 * 3600.0
"""A run of another date is resumed by default only if its last answer is younger than this."""


def find_unfinished(
    files: Sidecars, run_date: date, gateway: GatewayId, pairs: PartitionedFrame, *, now: float
) -> date | None:
    """Return the date of the run that one without ``--run-date`` resumes, or None: it starts anew.

    Journals of ``run_date`` are always resumed. The newest ones of another date are resumed only if
    their last answer is less than three hours old, and at least half of their answers are about
    pairs of the input.

    Args:
        files: Names the files beside the report.
        run_date: Today.
        gateway: The gateway that is asked, and the merchant that asks.
        pairs: Columns ``PAIRS``.
        now: Unix seconds.
    """
    for day in [run_date, *(day for day in journal_dates(files) if day < run_date)]:
        paths = existing_journals(files, day)
        last_ms = _last_ms(paths, day, gateway)
        if not last_ms:
            continue
        # A clock that was wrong may have written a time to come: that is not recent either.
        is_recent = abs(now - last_ms / 1000) < _OTHER_DATE_S
        if day == run_date or (is_recent and _is_of_this_input(paths, day, gateway, pairs)):
            return day
    return None


def first_with_answers(
    files: Sidecars, days: Iterable[date], gateway: GatewayId, pairs: PartitionedFrame
) -> tuple[date, int] | None:
    """Return the first of ``days`` whose journals have answers for an input, and how many."""
    for day in days:
        if answers := count_kept_answers(files, day, gateway, pairs):
            return day, answers
    return None


def count_kept_answers(
    files: Sidecars,
    run_date: date,
    gateway: GatewayId,
    pairs: PartitionedFrame,
    *,
    accept_unnamed: bool = True,
    only_signed: bool = False,
) -> int:
    """Return how many answers for an input the journals of a run date hold; write nothing.

    Args:
        files: Names the files beside the report.
        run_date: Of the run.
        gateway: The gateway that is asked, and the merchant that asks.
        pairs: Columns ``PAIRS``.
        accept_unnamed: Whether answers that do not name their pair are counted.
        only_signed: Whether good answers of which nothing signed is kept are left out.

    Raises:
        UsageError: A run would be refused: a journal is of another merchant or gateway.
        OutputError: A run would fail: a journal cannot be read.
    """
    read = partial(read_for_run, run_date=run_date, gateway=gateway, unusable=[])
    kept = KeptAnswers(existing_journals(files, run_date), read, only_signed=only_signed)
    answers = sum(
        len(usable(rows, accept_unnamed=accept_unnamed)) for _, _, rows in kept.by_partition(pairs)
    )
    return answers if kept.is_of_this_input else 0


def _last_ms(paths: Iterable[JournalPath], day: date, gateway: GatewayId) -> int:
    """Return when the last answer of the journals of a date was written; 0 if there is none."""
    journals = (_read_own(path, day, gateway) for path in paths)
    return max((journal.scan.last_ms for journal in journals if journal), default=0)


def _is_of_this_input(
    paths: list[JournalPath], day: date, gateway: GatewayId, pairs: PartitionedFrame
) -> bool:
    kept = KeptAnswers(paths, partial(_read_own, day=day, gateway=gateway))
    for _ in kept.by_partition(pairs):
        pass
    return kept.is_of_this_input


def _read_own(path: JournalPath, day: date, gateway: GatewayId) -> StoredJournal | None:
    return read_own_journal(path.path, day, gateway)
