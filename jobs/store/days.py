"""The reports in a folder that keeps one report a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from jobs.store.locations import DATED_STEM, PARQUET, day_folder, day_folders, is_day_folder

__all__ = ["dated_report", "dated_reports", "is_dated_report", "report_in", "unrecognized"]

_DATED_REPORT: Final = f"{DATED_STEM}{PARQUET}"


def dated_report(folder: Path, run_date: date) -> Path:
    """Return the path of the report of a date in a folder that keeps one report a day."""
    return day_folder(folder, run_date) / _DATED_REPORT


def is_dated_report(path: Path) -> bool:
    """Return True if a path has the form of a report in a folder that keeps one report a day."""
    return path.name == _DATED_REPORT and is_day_folder(path.parent)


def dated_reports(folder: Path) -> list[tuple[date, Path]]:
    """Return the reports that a folder keeps, by date, the newest first."""
    reports = ((day, path / _DATED_REPORT) for day, path in day_folders(folder).items())
    return [(day, report) for day, report in reports if not _is_missing(report)]


def unrecognized(folder: Path) -> list[str]:
    """Return the names in a folder that are not the reports of a date; hidden files are left out.

    Raises:
        OSError: The folder cannot be listed.
    """
    known = {report.parent.name for _, report in dated_reports(folder)}
    names = (path.name for path in folder.iterdir())
    return sorted(name for name in names if not name.startswith(".") and name not in known)


def report_in(path: Path) -> Path:
    """Return the report in a day's folder, or the path itself where it is not such a folder."""
    report = path / _DATED_REPORT
    try:
        return report if report.exists() else path
    except OSError:  # reading the path itself says why
        return path


def _is_missing(path: Path) -> bool:
    """Return True if it is certain that a path does not exist."""
    try:
        return not path.exists()
    except OSError:
        return False
