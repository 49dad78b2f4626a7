"""The work folder: what a run of many partitions keeps on disk until its report is published.

It has three kinds of folders, all of mode 0700:

``scratch``
    What a run needs only itself: its input, baseline, answers and rows by partition. Removed when
    the run ends, or when the next one begins.
``run_date=D/journals``
    The journals of an unfinished run, which the next run of that date resumes.
``run_date=D/staged`` and others
    The folder of a date while it is replaced (:mod:`jobs.store.staging.day_exchange`).

Other names in these folders are not touched.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

import structlog

from jobs.errors import OutputError
from jobs.loggers import ALWAYS
from jobs.report.parquet.parts import is_folder
from jobs.store.files.filesystem import DISK_FULL, make_private, reason_of
from jobs.store.locations import (
    JOURNALS,
    PRIVATE_FOLDER_MODE,
    Sidecars,
    day_folder,
    day_folders,
    other_owner,
    probes,
)
from jobs.store.staging.day_exchange import DayExchange

__all__ = ["WorkFolder", "clean_work", "interrupted_days", "try_work_folder"]

_SCRATCH: Final = "scratch"
_PROBE: Final = "probe"


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The work folder of one report, or of a folder that keeps one report a day.

    Only a run that holds the lock of the report may use it, after :func:`clean_work`.

    Attributes:
        path: The folder; its mode is 0700.
        files: Names the files beside the report.
    """

    path: Path
    files: Sidecars

    @classmethod
    def open(cls, files: Sidecars) -> Self:
        """Make the work folder, or return the one that exists.

        Args:
            files: Names the files beside the report, whose lock is held.

        Raises:
            OutputError: No work folder can be made.
        """
        errors, full = [], False
        for place in files.work_places:
            try:
                _make(place)
                if files.daily:
                    _try_to_move(place, files.folder)
            except OSError as error:
                errors.append(f"{place}: {reason_of(error)}")
                full = full or error.errno in DISK_FULL
                _remove_empty(place)
            else:
                return cls(place, files)
        raise OutputError(
            f"no work folder can be made: {'; '.join(errors)}. "
            f"{'Free space' if full else 'Name a folder for it with --work'}",
            again=full,
        )

    @property
    def is_apart(self) -> bool:
        """Whether programs that read the folder of the reports with ``**`` do not find it."""
        return self.path.parent != self.files.folder

    def scratch(self, name: str) -> Path:
        """Make a folder for files that the run needs until it ends.

        Args:
            name: Of the folder.

        Raises:
            OSError: It cannot be made.
        """
        return _made(self.path, self.path / _SCRATCH / name)

    def journals(self, run_date: date) -> Path:
        """Make the folder of the journals of a run date.

        Raises:
            OSError: It cannot be made.
        """
        return _made(self.path, day_folder(self.path, run_date) / JOURNALS)

    @contextmanager
    def reporting_errors(self) -> Iterator[None]:
        """Raise the error that the operator reads where a file in it cannot be read or written.

        Raises:
            OutputError: The block raised OSError.
        """
        try:
            yield
        except OSError as error:
            full = error.errno in DISK_FULL
            what = "Disk full at the" if full else f"{reason_of(error)}: the"
            raise OutputError(
                f"{what} work folder {self.path}: no answer is lost. "
                f"{'Free space' if full else 'Mend it'}",
                again=True,
            ) from None

    def exchange(self, day: Path) -> DayExchange:
        """Return what replaces the folder of a day in the folder of the reports."""
        return DayExchange(day, self.path / day.name)


def clean_work(files: Sidecars) -> None:
    """Finish what a killed run left in the work folders of a report, and remove all but journals.

    It is called when a run begins, and when it ends. A failure is a warning.

    Args:
        files: Names the files beside the report, whose lock is held.
    """
    if files.daily:
        _remove_probes(files.folder)
    for place in _existing(files):
        for exchange in _exchanges(files, place):
            _settle(exchange)
        shutil.rmtree(place / _SCRATCH, ignore_errors=True)
        _remove_probes(place)
        for dated in day_folders(place).values():
            _remove_empty(dated / JOURNALS)
            _remove_empty(dated)
        _remove_empty(place)


def try_work_folder(files: Sidecars) -> None:
    """Try to make the work folder, before the lock is held.

    Args:
        files: Names the files beside the report.

    Raises:
        OutputError: No work folder can be made.
    """
    _remove_empty(WorkFolder.open(files).path)


def interrupted_days(files: Sidecars) -> list[str]:
    """Return the names of the folders of days whose report is not in place.

    A run was killed between two renames; the next run puts it in place.

    Args:
        files: Names the files beside the folder that keeps one report a day.
    """
    found = []
    for exchange in (each for place in _existing(files) for each in _exchanges(files, place)):
        with suppress(OSError):  # this user may not read the work folder
            if exchange.is_interrupted:
                found.append(exchange.day.name)
    return found


def _existing(files: Sidecars) -> Iterator[Path]:
    """Yield the work folders of this user that exist."""
    for place in files.work_places:
        if is_folder(place) and not place.is_symlink() and other_owner(place) is None:
            yield place


def _exchanges(files: Sidecars, place: Path) -> Iterator[DayExchange]:
    if files.daily:
        for dated in day_folders(place).values():
            yield DayExchange(files.folder / dated.name, dated)


def _settle(exchange: DayExchange) -> None:
    try:
        interrupted = exchange.is_interrupted
        exchange.settle()
    except OSError as error:
        structlog.get_logger(ALWAYS).warning(
            f"What a run that was killed left in {exchange.work} cannot be put back or removed: "
            f"{error.filename}: {reason_of(error)}"
        )
        return
    if interrupted:
        structlog.get_logger(ALWAYS).warning(
            f"A run was killed while it replaced {exchange.day}: its report is in place now"
        )


def _made(place: Path, path: Path) -> Path:
    """Make a folder two levels below the work folder, which may have been removed meanwhile."""
    for folder in (place, path.parent, path):
        make_private(folder)
    return path


def _make(place: Path) -> None:
    """Make the work folder.

    Raises:
        OSError: It cannot be made, or another user could read what is in it.
    """
    if place.is_symlink():
        raise NotADirectoryError(None, "it is a symbolic link")
    if place.exists() and not place.is_dir():
        raise NotADirectoryError(None, "it is not a folder")
    if (owner := other_owner(place)) is not None:
        raise PermissionError(None, f"it belongs to {owner}")
    make_private(place)


def _try_to_move(place: Path, folder: Path) -> None:
    """Try to move a folder from the work folder to where it is published.

    Raises:
        OSError: That is not possible, for example between two file systems.
    """
    made, moved = (probes(each / _PROBE)[0] for each in (place, folder))
    made.mkdir(PRIVATE_FOLDER_MODE, exist_ok=True)
    try:
        made.rename(moved)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise OSError(errno.EXDEV, f"it is not on the file system of {folder}") from None
        raise
    finally:
        for each in (made, moved):
            _remove_empty(each)


def _remove_probes(folder: Path) -> None:
    """Remove the empty folders that :func:`_try_to_move` left where it was killed."""
    with suppress(OSError):  # where the folder cannot be listed
        for path in folder.iterdir():
            if path.name.startswith(f".{_PROBE}."):
                _remove_empty(path)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
