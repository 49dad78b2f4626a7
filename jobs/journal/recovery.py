"""A journal that is already there: what of it is gone on with, and what becomes of the rest."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import date
from pathlib import Path

import pandas as pd

from jobs.journal.damage import count_lost
from jobs.journal.file import append
from jobs.journal.format import frame_at, header_frame
from jobs.journal.unfinished import Unfinished, Useless
from jobs.store.locations import Sidecars, sqlite_files
from jobs.sweep.answers import Row

__all__ = ["take_over"]


def take_over(
    there: Unfinished | Useless | None, files: Sidecars, run_date: date, pairs: pd.DataFrame
) -> tuple[Unfinished | None, list[Row], list[str]]:
    """Return the journal to go on with, its rows, and what to say; what is useless is renamed.

    Args:
        there: What was read at the journal's place.
        files: Names the files beside the report.
        run_date: Of this run.
        pairs: Columns ``PAIRS``.
    """
    path, aside = files.journal(run_date), files.other_journal(run_date)
    if there is None:
        return None, [], []
    if isinstance(there, Useless):
        return None, [], [_set_aside(there, files, run_date)]
    kept, found = there.kept(pairs), there.scan
    if not kept.is_of_this_input:
        path.replace(aside)
        line = (
            f"Journal renamed to {aside.name}: only {len(kept.rows):,} of its "
            f"{len(kept.rows) + kept.others:,} answers are about pairs of this input; starting over"
        )
        return None, [], [line]
    if found.damaged:
        aside = files.damaged_journal(run_date)
        _write_sound(there, aside, files.recovered_journal(run_date))
        lost = count_lost(there.content, found)
        least = "" if lost.is_exact else "at least "
        of_all = f"{found.records:,} of {least}{found.records + lost.records:,}"
        line = f"Journal damaged: renamed to {aside.name}, {of_all} answers recovered"
        return there, kept.rows, [line]
    if found.torn:
        os.truncate(path, found.sound_end)
        return there, kept.rows, [f"Journal {path.name}: its last record was incomplete; dropped"]
    return there, kept.rows, []


def _set_aside(there: Useless, files: Sidecars, run_date: date) -> str:
    """Rename what nothing can be taken from, and return the line that says so."""
    path = files.journal(run_date)
    if there is Useless.DAMAGED:
        aside = files.damaged_journal(run_date)
        path.replace(aside)
        return f"Journal damaged: renamed to {aside.name}, no answer recovered; starting over"
    aside = files.other_journal(run_date)
    for old, new in zip(sqlite_files(path), sqlite_files(aside), strict=True):
        with suppress(FileNotFoundError):
            old.replace(new)
    return f"Journal of an earlier version: renamed to {aside.name}; starting over"


def _write_sound(damaged: Unfinished, aside: Path, fresh: Path) -> None:
    """Put what is sound in a damaged journal in its place, and the damaged one aside.

    Whenever the process ends, a journal with all that is sound stands in the journal's place.
    """
    fresh.unlink(missing_ok=True)
    sound = (frame_at(damaged.content, body) for body in damaged.scan.answers.values())
    append(fresh, header_frame(damaged.run) * 2 + b"".join(sound))
    aside.unlink(missing_ok=True)
    try:
        aside.hardlink_to(damaged.path)
    except OSError:  # a file system without links
        append(aside, damaged.content)
    fresh.replace(damaged.path)
