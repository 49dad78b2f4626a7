"""Chooses and removes the old reports of a folder, for ``--keep``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from jobs.errors import OutputError
from jobs.report.model import GatewayId, ReportError
from jobs.report.parquet import read_parquet
from jobs.store.days import dated_reports
from jobs.store.locations import Sidecars, is_day_folder
from jobs.store.work_folder import WorkFolder

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
    """Return the reports in a folder that are older than ``keep_days`` days, the oldest first.

    Each is a file or, where it has many, the folder of its day.

    Reports of other gateways or merchants, and other files, are not among them.

    Args:
        folder: A folder that keeps one report a day.
        keep_days: Days, counted back from the earlier of ``run_date`` and ``today``, so that a run
            with a future date removes nothing that a run of today would keep.
        run_date: The run date of the new report.
        today: The date in the run's time zone.
        compared: The run date of the report that the new one is compared with; it is kept, because
            a second run of the same date needs it.
        gateway: The gateway of the new report.
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


def remove_reports(paths: Sequence[Path], files: Sidecars) -> Iterator[Path]:
    """Remove reports, and the folder of each if it is then empty; yield each removed report.

    A report of many files is removed in one step, so that nobody finds some of them.

    Args:
        paths: Files, or folders of days.
        files: Names the files beside the folder of the reports, whose lock is held.
    """
    for path in paths:
        with suppress(OSError, OutputError):
            if is_day_folder(path):
                WorkFolder.open(files).exchange(path).remove_report()
                yield path
            else:
                path.unlink()
                yield path
                path.parent.rmdir()


def _is_of(path: Path, gateway: GatewayId) -> bool:
    try:
        return read_parquet(path, columns=()).metadata.gateway == gateway
    except ReportError:
        return False
