"""What a published report makes useless: journals of its date or before, and old reports."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import structlog

from jobs.journal.old_journals import remove_old_journals
from jobs.loggers import ALWAYS
from jobs.report.model import GatewayId, Report
from jobs.run.config import Options
from jobs.store.retention import old_reports, remove_reports

__all__ = ["expired_reports", "tidy_up"]


def tidy_up(options: Options, report: Report, *, today: date) -> None:
    """Remove what the report makes useless; what cannot be removed is warned of.

    Args:
        options: Of the run.
        report: As published.
        today: In the run's time zone.
    """
    try:
        _remove(options, report, today)
    except OSError as error:
        structlog.get_logger(ALWAYS).warning(
            f"The report is published; what it makes useless cannot be removed: {error.filename}: "
            f"{error.strerror}"
        )


def expired_reports(
    options: Options, gateway: GatewayId, compared: date | None, *, today: date
) -> list[Path]:
    """Return the old reports that a run removes once its own is there.

    Args:
        options: Of the run.
        gateway: Of the run.
        compared: The run date of what it compares with.
        today: In the run's time zone.
    """
    if options.store.outputs.folder is None or options.store.keep_days is None:
        return []
    return old_reports(
        options.store.outputs.folder,
        keep_days=options.store.keep_days,
        run_date=options.run_date,
        today=today,
        compared=compared,
        gateway=gateway,
    )


def _remove(options: Options, report: Report, today: date) -> None:
    files, log = options.store.outputs.sidecars, structlog.get_logger("palm.run")
    if files is not None:
        old = remove_old_journals(files, options.run_date, report.gateway, now=time.time())
        for path in old:
            log.info("removed a journal whose last answer is over 7 days old", path=str(path))
    compared = report.metadata.baseline
    before = compared.run_date if compared else None
    if old_ones := expired_reports(options, report.gateway, before, today=today):
        log.info("--keep removes these old reports", paths=[str(path) for path in old_ones])
        for path in remove_reports(old_ones):
            log.info("removed an old report", path=str(path))
