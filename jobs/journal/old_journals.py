"""Which journals are removed once a report is published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from jobs.journal.paths import (
    existing_journals,
    journal_dates,
    journals_set_aside,
    remove_journals,
)
from jobs.journal.stored import StoredJournal, read_journal
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars, sqlite_files

__all__ = ["remove_old_journals"]

_KEEP_S: Final = 7 * 86_400.0
"""Journals of other dates are kept for this time after their last answer."""


def remove_old_journals(
    files: Sidecars, published: date, gateway: GatewayId, *, now: float
) -> Iterator[Path]:
    """Remove the journals that a published report makes useless; yield those of other dates.

    Those of the report's date are removed, and so is a damaged one under its other name. Journals
    of another date, and one that was renamed, are kept for seven days after their last answer;
    those of another merchant or gateway are never removed. Where a file does not show when its last
    answer came or whose it is, its modification time counts.

    Args:
        files: Names the files beside the report.
        published: Run date of the report.
        gateway: The gateway that was asked, and the merchant that asked.
        now: Unix seconds.
    """
    remove_journals(files, published)
    for day in journal_dates(files):
        paths = [each.path for each in existing_journals(files, day)]
        if day != published and paths and all(_is_old(path, day, gateway, now) for path in paths):
            remove_journals(files, day)
            yield from paths
    for day, own, path in journals_set_aside(files):
        if own.path.exists():  # a damaged journal is removed with the sound one
            continue
        if _is_old(path, day, gateway, now):
            for file in sqlite_files(path):
                file.unlink(missing_ok=True)
            yield path


def _is_old(path: Path, day: date, gateway: GatewayId, now: float) -> bool:
    last_s = _last_answer_s(path, day, gateway)
    return last_s is not None and now - last_s > _KEEP_S


def _last_answer_s(path: Path, day: date, gateway: GatewayId) -> float | None:
    """Return when the last answer of a journal came, Unix seconds.

    None if it is of another merchant, gateway or date, or cannot be opened. A journal that is
    empty, damaged at its beginning, or of an earlier version does not show whose it is, and no run
    can use it: the modification time of its file counts.
    """
    try:
        journal, modified_s = read_journal(path), path.stat().st_mtime
    except OSError:
        return None
    if not isinstance(journal, StoredJournal):
        return modified_s
    if (journal.gateway, journal.run_date) != (gateway, day):
        return None
    return journal.scan.last_ms / 1000 if journal.scan.answers else modified_s
