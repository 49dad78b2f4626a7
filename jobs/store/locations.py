"""Every name that the job gives to a file beside a report, and with which mode it is made.

A hidden file beside ``report.parquet`` begins with ``.report.``; what follows is matched exactly,
so that ``report.parquet`` and ``report.eu.parquet`` in one folder never touch each other's files.
"""

from __future__ import annotations

import os
import pwd
import re
import stat
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

__all__ = [
    "LOG_MODE",
    "METRICS_MODE",
    "PRIVATE_FOLDER_MODE",
    "PRIVATE_MODE",
    "REPORT_MODE",
    "Sidecars",
    "dated_report",
    "dated_reports",
    "is_dated_report",
    "is_parquet",
    "make_folder",
    "mode_of",
    "other_owner",
    "previous_of",
    "probes",
    "report_in",
    "sqlite_files",
    "temporary",
    "temporary_link",
    "temporary_metrics",
    "temporary_pattern",
    "unrecognized",
]

PRIVATE_MODE: Final = 0o600
"""Of journals and locks."""
REPORT_MODE: Final = 0o640
"""Of a report where none stands yet; the umask takes its part of it, as of the next."""
METRICS_MODE: Final = 0o644
"""Of metrics: Prometheus' node_exporter is another user."""
LOG_MODE: Final = 0o640
"""Of a log file."""
PRIVATE_FOLDER_MODE: Final = 0o700
"""Of a folder in which something is tried out, and which is removed again."""
_FOLDER_MODE: Final = 0o750
_DATE: Final = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_RUN_ID: Final = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}"
_LINK: Final = "-previous"
_DATED_FOLDER: Final = re.compile(rf"run_date={_DATE}")
_DATED_STEM: Final = "report"
_PARQUET: Final = ".parquet"
_DATED_REPORT: Final = f"{_DATED_STEM}{_PARQUET}"
_MAX_METRICS_NAME: Final = 50
_SQLITE_FILES: Final = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Sidecars:
    """The hidden files beside one report.

    Attributes:
        folder: Where they are.
        stem: The report's name without its suffix.
    """

    folder: Path
    stem: str

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Return those of a folder that keeps one report a day."""
        return cls(folder, _DATED_STEM)

    @property
    def lock(self) -> Path:
        """Held while a run writes this report."""
        return self._beside("lock")

    def journal(self, run_date: date) -> Path:
        """Return where the answers of an unfinished run of that date are."""
        return self._beside(f"{run_date.isoformat()}.journal")

    def damaged_journal(self, run_date: date) -> Path:
        """Return what a damaged journal of that date is renamed to."""
        return self._beside(f"{run_date.isoformat()}.journal.damaged")

    def recovered_journal(self, run_date: date) -> Path:
        """Return where what is sound in a damaged journal is written, before it takes its place."""
        return self._beside(f"{run_date.isoformat()}.journal.tmp")

    def other_journal(self, run_date: date) -> Path:
        """Return what a journal of that date is renamed to that is of another input or version."""
        return self._beside(f"{run_date.isoformat()}.journal.aside")

    def journals_set_aside(self) -> list[tuple[date, Path]]:
        """Return the journals that were renamed: of other inputs or versions, or damaged ones."""
        return [*self._dated("journal.aside").items(), *self._dated("journal.damaged").items()]

    def journals(self) -> dict[date, Path]:
        """Return the journals that are there, by run date, the newest first."""
        return self._dated("journal")

    def _beside(self, rest: str) -> Path:
        return self.folder / f".{self.stem}.{rest}"

    def _dated(self, ending: str) -> dict[date, Path]:
        beside = re.compile(rf"\.{re.escape(self.stem)}\.{_DATE}\.{re.escape(ending)}")
        return _by_date(self.folder, beside)


def _by_date(folder: Path, pattern: re.Pattern[str]) -> dict[date, Path]:
    """Return what is named so in a folder, by the date in the name, the newest first."""
    found = {}
    try:
        names = sorted((path.name for path in folder.iterdir()), reverse=True)
    except OSError:  # there is no folder yet, or it cannot be listed: nothing to be found
        return {}
    for name in names:
        if named := pattern.fullmatch(name):
            try:
                found[date.fromisoformat(named[1])] = folder / name
            except ValueError:  # 2026-02-30 is a name, not a date
                continue
    return found


def sqlite_files(journal: Path) -> list[Path]:
    """Return the files that a journal of an earlier version consists of."""
    return [journal.with_name(f"{journal.name}{ending}") for ending in _SQLITE_FILES]


def dated_report(folder: Path, run_date: date) -> Path:
    """Return where a folder that keeps one report a day keeps that of a date."""
    return folder / f"run_date={run_date.isoformat()}" / _DATED_REPORT


def is_dated_report(path: Path) -> bool:
    """Return True if a path is named as in a folder that keeps one report a day."""
    return path.name == _DATED_REPORT and bool(_DATED_FOLDER.fullmatch(path.parent.name))


def dated_reports(folder: Path) -> list[tuple[date, Path]]:
    """Return the reports that a folder keeps, by date, the newest first."""
    days = _by_date(folder, _DATED_FOLDER)
    reports = ((day, path / _DATED_REPORT) for day, path in days.items())
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
    """Return True if it is known that nothing is there; where it is not, reading it says why."""
    try:
        return not path.exists()
    except OSError:
        return False


def previous_of(report: Path) -> Path:
    """Return where the report that a single file replaces is kept."""
    return report.with_name(f"{report.stem}.previous{report.suffix}")


def temporary(path: Path, mark: str) -> Path:
    """Return a hidden name in the same folder, so that readers of whole folders do not see it."""
    return path.with_name(f".{path.stem}.{mark}{path.suffix}")


def temporary_metrics(path: Path) -> Path:
    """Return where metrics are written before they take their name; no collector reads it there."""
    return path.with_name(f".{path.name[:_MAX_METRICS_NAME]}.{os.getpid()}.tmp")


def is_parquet(path: Path) -> bool:
    """Return True if a file's name says that it is a Parquet file."""
    return path.suffix == _PARQUET


def temporary_link(path: Path, run_id: str) -> Path:
    """Return where a run links the report that it replaces, before that takes its own name."""
    return temporary(path, f"{run_id}{_LINK}")


def probes(path: Path) -> tuple[Path, Path]:
    """Return the names of two files that are made and removed to see whether a folder takes them.

    They are as long as those of :func:`temporary` and :func:`temporary_link` for a run.
    """
    mark = f"probe-{os.getpid():019}"
    return temporary(path, mark), temporary_link(path, mark)


def mode_of(path: Path, new: int = REPORT_MODE) -> int:
    """Return the mode of a file that will take its place at a path: that of the one there before.

    Args:
        path: Where it will be.
        new: Its mode where nothing is there yet; the umask takes its part of it.

    Raises:
        OSError: The folder cannot be searched.
    """
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0o077)  # it cannot be read without being set
        os.umask(umask)
        return new & ~umask


def make_folder(path: Path) -> None:
    """Make a folder for reports where there is none; only its parent must be there.

    Raises:
        OSError: It cannot be made.
    """
    path.mkdir(_FOLDER_MODE, exist_ok=True)


def other_owner(path: Path) -> str | None:
    """Return whose a file is; None: this user's own, or nothing can be known of it."""
    try:
        uid = path.lstat().st_uid
    except OSError:
        return None
    if uid == os.geteuid():
        return None
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def temporary_pattern(path: Path) -> re.Pattern[str]:
    """Return what the names of a run's temporary files beside ``path`` look like."""
    return re.compile(
        rf"\.{re.escape(path.stem)}\.{_RUN_ID}({_LINK})?{re.escape(path.suffix)}", re.DOTALL
    )
