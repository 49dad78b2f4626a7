"""Which reports the arguments of ``palm-report`` name: one, two to compare, or a folder of nights.

A day's folder, ``reports/run_date=2026-11-21/``, stands for the report in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from jobs.errors import UsageError
from jobs.store.days import dated_reports, report_in
from jobs.store.locations import Sidecars, is_day_folder
from jobs.store.work_folder import interrupted_days

__all__ = [
    "NamedReports",
    "OneReport",
    "ReportFolder",
    "TwoReports",
    "named_reports",
    "reports_being_replaced",
]

_MOST_COMPARED: Final = 2


@dataclass(frozen=True, slots=True)
class OneReport:
    """One report, to be shown or converted.

    Attributes:
        path: Its file.
    """

    path: Path


@dataclass(frozen=True, slots=True)
class TwoReports:
    """Two reports, to be compared.

    Attributes:
        before: The file of the first.
        after: The file of the second.
    """

    before: Path
    after: Path


@dataclass(frozen=True, slots=True)
class ReportFolder:
    """A folder that keeps one report a day.

    Attributes:
        path: The folder.
    """

    path: Path


NamedReports: TypeAlias = OneReport | TwoReports | ReportFolder


def reports_being_replaced(paths: tuple[Path, ...]) -> list[Path]:
    """Return the folders of days, among or within the arguments, whose report is not in place.

    A run was killed while it replaced the report, or does so at this moment.

    Args:
        paths: The arguments.
    """
    found = {}
    for path in paths:
        day = path if is_day_folder(path) else path.parent
        folder = day.parent if is_day_folder(day) else path
        for name in interrupted_days(Sidecars.of_folder(folder)):
            if folder == path or name == day.name:
                found[folder / name] = True
    return list(found)


def named_reports(paths: tuple[Path, ...]) -> NamedReports:
    """Return what the arguments name.

    Args:
        paths: At least one.

    Raises:
        UsageError: There are more than two, or a folder of many reports is one of two.
    """
    if len(paths) > _MOST_COMPARED:
        raise UsageError(
            f"{len(paths)} reports are named, and two at most can be compared; for every night of "
            "a folder: palm-report FOLDER --since DATE --until DATE"
        )
    if len(paths) == 1:
        (path,) = paths
        return ReportFolder(path) if dated_reports(path) else OneReport(report_in(path))
    for path in paths:
        if days := dated_reports(path):
            raise UsageError(
                f"{path} is a folder of {len(days)} reports; name the two to compare, for example "
                f"{days[0][1].parent}"
            )
    before, after = paths
    return TwoReports(report_in(before), report_in(after))
