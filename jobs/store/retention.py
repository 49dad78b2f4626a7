"""Which reports of a folder ``--keep`` removes: this merchant's own, once they are old enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from jobs.report.model import GatewayId, ReportError
from jobs.report.parquet import read_parquet
from jobs.store.locations import dated_reports

__all__ = ["old_reports", "remove_reports"]


def old_reports(
    folder: Path,
    *,
    keep_days: int,
    run_date: date,
    today: date,
    compared: date | None,
    gateway: GatewayId,
) -> list[Path]:
    """Return the folder's reports from before the last ``keep_days`` days, the oldest first.

    Those of another gateway or merchant stay, and so does what is not a report.

    Args:
        folder: That keeps one report a day.
        keep_days: Counted from the earlier of ``run_date`` and ``today``, so that a run under a
            date to come removes nothing that today's would keep.
        run_date: Of the report that is made.
        today: In the run's time zone.
        compared: Run date of what that report is compared with; it stays until the next one is
            there, for a rerun needs it.
        gateway: Of the report that is made.
    """
    last = min(run_date, today)
    if keep_days >= last.toordinal():
        return []
    oldest = last - timedelta(days=keep_days)
    return [
        path
        for day, path in reversed(dated_reports(folder))
        if day < oldest and day != compared and _is_of(path, gateway)
    ]


def remove_reports(paths: Sequence[Path]) -> Iterator[Path]:
    """Remove reports, and each one's folder where nothing else is in it; yield each removed."""
    for path in paths:
        with suppress(OSError):
            path.unlink()
            yield path
            path.parent.rmdir()


def _is_of(path: Path, gateway: GatewayId) -> bool:
    try:
        return read_parquet(path, columns=()).metadata.gateway == gateway
    except ReportError:
        return False
