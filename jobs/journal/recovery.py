"""A journal that already exists: what of it is resumed, and what becomes of the rest."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from jobs.journal.damage import count_lost
from jobs.journal.file import append
from jobs.journal.frames import frame_at
from jobs.journal.header import header_frame
from jobs.journal.stored import StoredJournal, UnusableJournal
from jobs.plurals import Quantity, counted
from jobs.store.locations import Sidecars, sqlite_files
from jobs.sweep.answers import Row

__all__ = ["Resumed", "resume"]


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a run takes over from a journal that already exists.

    Attributes:
        journal: The journal to be continued, or None if a new one is to be begun.
        rows: Its outcomes for the pairs of the input.
        messages: What was done with it, one line each.
    """

    journal: StoredJournal | None = None
    rows: list[Row] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def resume(
    existing: StoredJournal | UnusableJournal | None,
    files: Sidecars,
    run_date: date,
    pairs: pd.DataFrame,
) -> Resumed:
    """Return what can be resumed; rename a journal that cannot be used.

    Args:
        existing: What was read at the journal's path.
        files: Names the files beside the report.
        run_date: Of this run.
        pairs: Columns ``PAIRS``.
    """
    if existing is None:
        return Resumed()
    if isinstance(existing, UnusableJournal):
        return Resumed(messages=[_set_aside(existing, files, run_date)])
    path, scan, kept = files.journal(run_date), existing.scan, existing.answers_for(pairs)
    if not kept.is_of_this_input:
        aside = files.other_journal(run_date)
        path.replace(aside)
        kept_rows, all_rows = len(kept.rows), len(kept.rows) + kept.others
        line = (
            f"Journal renamed to {aside.name}: only {kept_rows:,} of its "
            f"{counted(all_rows, 'answer')} {Quantity(kept_rows):is about a pair|are about pairs} "
            "of this input; starting over"
        )
        return Resumed(messages=[line])
    messages = []
    if scan.damaged:
        aside = files.damaged_journal(run_date)
        _repair(existing, aside, files.recovered_journal(run_date))
        lost = count_lost(existing.content, scan)
        least = "" if lost.is_exact else "at least "
        of_all = f"{scan.records:,} of {least}{counted(scan.records + lost.records, 'answer')}"
        messages = [f"Journal damaged: renamed to {aside.name}, {of_all} recovered"]
    elif scan.is_incomplete:
        os.truncate(path, scan.valid_end)
        messages = [f"Journal {path.name}: its last record was incomplete; dropped"]
    return Resumed(existing, kept.rows, messages)


def _set_aside(unusable: UnusableJournal, files: Sidecars, run_date: date) -> str:
    """Rename a journal of which nothing can be used, and return the message about it."""
    path = files.journal(run_date)
    if unusable is UnusableJournal.DAMAGED:
        aside = files.damaged_journal(run_date)
        path.replace(aside)
        return f"Journal damaged: renamed to {aside.name}, no answer recovered; starting over"
    aside = files.other_journal(run_date)
    for old, new in zip(sqlite_files(path), sqlite_files(aside), strict=True):
        with suppress(FileNotFoundError):
            old.replace(new)
    return f"Journal of an earlier version: renamed to {aside.name}; starting over"


def _repair(damaged: StoredJournal, aside: Path, fresh: Path) -> None:
    """Replace a damaged journal by one with its valid records, and keep the damaged one.

    Whenever the process is killed, there is a journal with all valid records at the path.
    """
    fresh.unlink(missing_ok=True)
    valid = (frame_at(damaged.content, body) for body in damaged.scan.answers.values())
    append(fresh, header_frame(damaged.run) * 2 + b"".join(valid))
    aside.unlink(missing_ok=True)
    try:
        aside.hardlink_to(damaged.path)
    except OSError:  # a file system without links
        append(aside, damaged.content)
    fresh.replace(damaged.path)
