"""The names and modes of all files that the job makes beside a report.

A hidden file beside ``report.parquet`` begins with ``.report.``; what follows is matched exactly,
so that ``report.parquet`` and ``report.eu.parquet`` in one folder never touch each other's files.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import stat
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

__all__ = [
    "DATED_STEM",
    "FOLDER_MODE",
    "JOURNALS",
    "LOG_MODE",
    "METRICS_MODE",
    "PARQUET",
    "PRIVATE_FOLDER_MODE",
    "PRIVATE_MODE",
    "REPORT_MODE",
    "UNFINISHED",
    "Sidecars",
    "day_folder",
    "day_folders",
    "is_day_folder",
    "is_parquet",
    "make_folder",
    "mode_of",
    "other_owner",
    "previous_of",
    "probes",
    "sqlite_files",
    "temporary",
    "temporary_link",
    "temporary_metrics",
    "temporary_pattern",
]

PRIVATE_MODE: Final = 0o600
"""Mode of journals and locks."""
REPORT_MODE: Final = 0o640
"""Mode of a report that replaces no earlier one; the umask applies, as to the next mode."""
METRICS_MODE: Final = 0o644
"""Mode of metrics: Prometheus' node_exporter runs as another user."""
LOG_MODE: Final = 0o640
"""Mode of a log file."""
PRIVATE_FOLDER_MODE: Final = 0o700
"""Mode of folders that no other user may read."""
FOLDER_MODE: Final = 0o750
"""Mode of a folder for reports; the umask applies."""
_DATE: Final = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_RUN_ID: Final = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}"
_LINK: Final = "-previous"
_DATED_FOLDER: Final = re.compile(rf"run_date={_DATE}")
DATED_STEM: Final = "report"
"""Name of the report of a date, without its suffix."""
JOURNALS: Final = "journals"
"""Name of the folder of partitions' journals in the work folder of a run date."""
PARQUET: Final = ".parquet"
UNFINISHED: Final = ".tmp"
"""Ending of files that are made where programs might read them."""
_MAX_METRICS_NAME: Final = 50
_SQLITE_FILES: Final = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Sidecars:
    """The hidden files beside one report.

    Attributes:
        folder: The folder of the report.
        stem: The report's name without its suffix.
        daily: Whether the folder keeps one report a day.
        work: The folder that holds the work folder; None: that of the report, or the one above.
    """

    folder: Path
    stem: str
    daily: bool = False
    work: Path | None = None

    @classmethod
    def of_folder(cls, folder: Path, work: Path | None = None) -> Self:
        """Return the hidden files of a folder that keeps one report a day."""
        return cls(folder, DATED_STEM, daily=True, work=work)

    @property
    def lock(self) -> Path:
        """The lock file, which is locked while a run writes this report."""
        return self._beside("lock")

    def journal(self, run_date: date) -> Path:
        """Return the path of the journal of a run date: the answers of an unfinished run."""
        return self._beside(f"{run_date.isoformat()}.journal")

    def journals_set_aside(self) -> list[tuple[date, Path]]:
        """Return the journals that were renamed: damaged, or of another input or version."""
        return [*self._dated("journal.aside").items(), *self._dated("journal.damaged").items()]

    def journals(self) -> dict[date, Path]:
        """Return the existing journals by run date, the newest first."""
        return self._dated("journal")

    @property
    def work_places(self) -> tuple[Path, ...]:
        """The folders that may hold what a run keeps on disk until its report is published.

        A run uses the first that it can make (:mod:`jobs.store.work_folder`). For a folder that
        keeps one report a day the first is beside it, since programs that read it with ``**`` would
        read what is in it; the second is in it. In ``work``, which many reports may share, its name
        tells the paths of reports apart.
        """
        if self.work is None and not self.daily:
            return (self._beside("work"),)
        try:
            folder = Path(os.path.realpath(self.folder))
        except OSError:  # the current folder is gone
            return (self.folder / ".work",)
        if self.work is not None:
            name = folder.name if self.daily else self.stem
            digest = hashlib.sha256(bytes(folder / self.stem)).hexdigest()
            return (self.work / f"{name}-{digest[:8]}.work",)
        beside = (folder.with_name(f"{folder.name}.work"),) if folder.name else ()
        return (*beside, self.folder / ".work")

    def journal_folders(self) -> dict[date, Path]:
        """Return the existing folders of partitions' journals by run date, the newest first."""
        found = {
            day: path
            for place in reversed(self.work_places)
            for day, dated in day_folders(place).items()
            if (path := dated / JOURNALS).is_dir()
        }
        return dict(sorted(found.items(), reverse=True))

    def _beside(self, rest: str) -> Path:
        return self.folder / f".{self.stem}.{rest}"

    def _dated(self, ending: str) -> dict[date, Path]:
        beside = re.compile(rf"\.{re.escape(self.stem)}\.{_DATE}\.{re.escape(ending)}")
        return _by_date(self.folder, beside)


def _by_date(folder: Path, pattern: re.Pattern[str]) -> dict[date, Path]:
    """Return the paths in a folder that match, by the date in their names, the newest first."""
    by_date = {}
    try:
        names = sorted((path.name for path in folder.iterdir()), reverse=True)
    except OSError:  # the folder does not exist yet, or cannot be listed
        return {}
    for name in names:
        if named := pattern.fullmatch(name):
            try:
                by_date[date.fromisoformat(named[1])] = folder / name
            except ValueError:  # for example 2026-02-30
                continue
    return by_date


def sqlite_files(journal: Path) -> list[Path]:
    """Return the files that a journal of an earlier version consists of."""
    return [journal.with_name(f"{journal.name}{ending}") for ending in _SQLITE_FILES]


def day_folder(folder: Path, day: date) -> Path:
    """Return the folder of a date in a folder that keeps one report, or other files, a day."""
    return folder / f"run_date={day.isoformat()}"


def day_folders(folder: Path) -> dict[date, Path]:
    """Return the folders of dates in a folder, by date, the newest first."""
    return _by_date(folder, _DATED_FOLDER)


def is_day_folder(path: Path) -> bool:
    """Return True if a path is named as the folder of a date is."""
    return bool(_DATED_FOLDER.fullmatch(path.name))


def previous_of(report: Path) -> Path:
    """Return the path at which the report that a single file replaces is kept."""
    return report.with_name(f"{report.stem}.previous{report.suffix}")


def temporary(path: Path, mark: str) -> Path:
    """Return a path in the same folder that programs which read whole folders pass over.

    Some (pandas, Spark) pass over hidden files; DuckDB and Polars read what ``**/*.parquet`` names.
    """
    return path.with_name(f".{path.stem}.{mark}{path.suffix}{UNFINISHED}")


def temporary_metrics(path: Path) -> Path:
    """Return the temporary path of a metrics file; no collector reads it."""
    return path.with_name(f".{path.name[:_MAX_METRICS_NAME]}.{os.getpid()}.tmp")


def is_parquet(path: Path) -> bool:
    """Return True if a file's name says that it is a Parquet file."""
    return path.suffix == PARQUET


def temporary_link(path: Path, run_id: str) -> Path:
    """Return the path of a temporary link to the report that a run replaces."""
    return temporary(path, f"{run_id}{_LINK}")


def probes(path: Path) -> tuple[Path, Path]:
    """Return the paths of two files that are made and removed to test a folder.

    They are as long as those of :func:`temporary` and :func:`temporary_link`.
    """
    mark = f"probe-{os.getpid():019}"
    return temporary(path, mark), temporary_link(path, mark)


def mode_of(path: Path, new: int = REPORT_MODE) -> int:
    """Return the mode for a new file at a path: that of the file which it replaces.

    Args:
        path: The path of the new file.
        new: The mode if it replaces none; the umask applies.

    Raises:
        OSError: The folder cannot be searched.
    """
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0o077)  # the umask can only be read by setting it
        os.umask(umask)
        return new & ~umask


def make_folder(path: Path) -> None:
    """Make the folder for reports if it does not exist; its parent must exist.

    Raises:
        OSError: The folder cannot be made.
    """
    path.mkdir(FOLDER_MODE, exist_ok=True)


def other_owner(path: Path) -> str | None:
    """Return the owner of a file; None if that is this user, or is not known."""
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
    """Return the pattern of the names of a run's temporary files beside ``path``."""
    ending = re.escape(f"{path.suffix}{UNFINISHED}")
    return re.compile(rf"\.{re.escape(path.stem)}\.{_RUN_ID}({_LINK})?{ending}", re.DOTALL)
