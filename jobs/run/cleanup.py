"""Removes journals and old reports that are not needed once a report is published."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import structlog

from jobs.journal.old_journals import remove_old_journals
from jobs.loggers import ALWAYS
from jobs.report.model import GatewayId, Report
from jobs.store.options import StoreOptions
from jobs.store.retention import old_reports, remove_reports

__all__ = ["expired_reports", "tidy_up"]


def tidy_up(store: StoreOptions, report: Report, *, today: date) -> None:
    """Remove the files that are not needed once a report is published; a failure is a warning.

    Args:
        store: Where the report is, and how long earlier ones are kept.
        report: The published report.
        today: Today's date in the time zone of the run.
    """
    try:
        _remove(store, report, today)
    except OSError as error:
        structlog.get_logger(ALWAYS).warning(
            f"The report is published; what it makes useless cannot be removed: {error.filename}: "
            f"{error.strerror}"
        )


def expired_reports(
    store: StoreOptions, run_date: date, gateway: GatewayId, compared: date | None, *, today: date
) -> list[Path]:
    """Return the old reports that a run removes once its own is published.

    Args:
        store: Where the reports are, and how long they are kept.
        run_date: The run date of the run.
        gateway: The gateway of the run.
        compared: The run date of the report that the run compares with; None: it has none.
        today: Today's date in the time zone of the run.
    """
    if store.outputs.folder is None or store.keep_days is None:
        return []
    return old_reports(
        store.outputs.folder,
        keep_days=store.keep_days,
        run_date=run_date,
        today=today,
        compared=compared,
        gateway=gateway,
    )


def _remove(store: StoreOptions, report: Report, today: date) -> None:
    files, log = store.outputs.sidecars, structlog.get_logger("palm.run")
    if files is not None:
        for path in remove_old_journals(files, report.run_date, report.gateway, now=time.time()):
            log.info("removed a journal whose last answer is over 7 days old", path=str(path))
    compared = report.metadata.baseline
    before = compared.run_date if compared else None
    expired = expired_reports(store, report.run_date, report.gateway, before, today=today)
    if expired and files is not None:
        log.info("--keep removes these old reports", paths=[str(path) for path in expired])
        for path in remove_reports(expired, files):
            log.info("removed an old report", path=str(path))
