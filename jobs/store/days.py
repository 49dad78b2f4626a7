"""The reports in a folder that keeps one report a day."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Final

from jobs.partitions.file_names import PART_FILE, part_files
from jobs.store.locations import (
    DATED_STEM,
    PARQUET,
    UNFINISHED,
    day_folder,
    day_folders,
    is_day_folder,
    temporary_pattern,
)

__all__ = [
    "dated_report",
    "dated_reports",
    "has_report",
    "is_dated_report",
    "is_of_report",
    "parts_in",
    "report_in",
    "single_report",
    "standing_report",
    "unrecognized",
]

_DATED_REPORT: Final = f"{DATED_STEM}{PARQUET}"
_REPORT_FILE: Final = re.compile(rf"{re.escape(_DATED_REPORT)}|{PART_FILE.pattern}")
_ON_ITS_WAY: Final = temporary_pattern(Path(_DATED_REPORT))


def dated_report(folder: Path, run_date: date) -> Path:
    """Return the path of the report of a date in a folder that keeps one report a day."""
    return single_report(day_folder(folder, run_date))


def single_report(day: Path) -> Path:
    """Return the path of a report of one file in the folder of a day."""
    return day / _DATED_REPORT


def is_dated_report(path: Path) -> bool:
    """Return True if a path has the form of a report in a folder that keeps one report a day.

    It may be of a file of a report of many.
    """
    return bool(_REPORT_FILE.fullmatch(path.name)) and is_day_folder(path.parent)


def is_of_report(path: Path) -> bool:
    """Return True if a file in the folder of a day is of its report, complete or on its way."""
    finished = path.name.removesuffix(UNFINISHED)
    ours = _REPORT_FILE.fullmatch(finished) or _ON_ITS_WAY.fullmatch(path.name)
    return ours is not None and not path.is_dir()


def has_report(day: Path) -> bool:
    """Return True if there is a report, or a file of one, in the folder of a day.

    Raises:
        OSError: That cannot be known.
    """
    try:
        return any(_REPORT_FILE.fullmatch(path.name) for path in day.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False


def parts_in(day: Path) -> list[Path]:
    """Return the files of a report of many in the folder of a day, sorted; empty: it has none.

    Raises:
        OSError: They cannot be known.
    """
    try:
        return list(part_files(day).values())
    except (FileNotFoundError, NotADirectoryError):
        return []


def dated_reports(folder: Path) -> list[tuple[date, Path]]:
    """Return the reports that a folder keeps, by date, the newest first.

    The path of a report of many files is that of the day's folder, in which a single file may be,
    too, if another program put it there.
    """
    days = day_folders(folder).items()
    return [(day, report_in(path)) for day, path in days if _may_have_report(path)]


def unrecognized(folder: Path) -> list[str]:
    """Return the names in a folder that are not the reports of a date; hidden files are left out.

    Raises:
        OSError: The folder cannot be listed.
    """
    days = day_folders(folder)
    known = {days[day].name for day, _ in dated_reports(folder)}
    names = (path.name for path in folder.iterdir())
    return sorted(name for name in names if not name.startswith(".") and name not in known)


def report_in(path: Path) -> Path:
    """Return the report in a day's folder: its single file, or the folder where it has many files.

    Any other path is returned as it is.
    """
    report = single_report(path)
    try:
        return report if report.exists() and not parts_in(path) else path
    except OSError:  # reading the report says why
        return path


def standing_report(output: Path, folder: Path | None) -> Path | None:
    """Return the report that one written to ``output`` replaces, or None if there is none.

    Args:
        output: A file or, in ``folder``, the folder of a day.
        folder: A folder that keeps one report a day, with ``output`` in it; there, the report that
            is replaced may have one file or many. None if there is none.

    Raises:
        OSError: That cannot be known.
    """
    if folder is None:
        return output if output.exists() else None
    day = output if is_day_folder(output) else output.parent
    return report_in(day) if has_report(day) else None


def _may_have_report(day: Path) -> bool:
    """Return False if it is certain that a day has no report."""
    try:
        return has_report(day)
    except OSError:  # reading the report says why
        return True
