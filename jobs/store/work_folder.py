"""The work folder: what a run of many partitions keeps on disk until its report is published.

It has three kinds of folders, all of mode 0700:

``scratch``
    What a run needs only itself: its input, baseline, answers and rows by partition. Removed when
    the run ends, or when the next one begins.
``run_date=D/journals``
    The journals of an unfinished run, which the next run of that date resumes.
``run_date=D/staged``
    The new folder of a date before it takes the place of the earlier one.

Other names in these folders are not touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

from jobs.errors import OutputError
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

__all__ = ["WorkFolder", "clean_work"]

_SCRATCH: Final = "scratch"
_PROBE: Final = ".probe"


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The work folder of one report, or of a folder that keeps one report a day.

    Only a run that holds the lock of the report may use it.

    Attributes:
        path: The folder; its mode is 0700.
        is_apart: Whether it is outside the folder of the reports, where programs that read that
            folder with ``**`` do not find it.
    """

    path: Path
    is_apart: bool

    @classmethod
    def open(cls, files: Sidecars) -> Self:
        """Make the work folder, or clean the one that an earlier run left.

        Args:
            files: Names the files beside the report, whose lock is held.

        Raises:
            OutputError: No work folder can be made.
        """
        clean_work(files)
        errors = []
        for place in files.work_places:
            try:
                _make(place)
                if files.daily:
                    _try_to_move(place, files.folder)
            except OSError as error:
                errors.append(f"{place}: {reason_of(error)}")
                _remove_empty(place)
            else:
                return cls(place, is_apart=place.parent != files.folder)
        raise OutputError(f"no work folder can be made: {'; '.join(errors)}")

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
                f"{what} work folder {self.path}: answers so far are kept. "
                f"{'Free space' if full else 'Mend it'}",
                again=True,
            ) from None

    def close(self) -> None:
        """Remove everything but journals."""
        _clean(self.path)


def clean_work(files: Sidecars) -> None:
    """Remove what an earlier run left in the work folders of a report, but for its journals.

    Args:
        files: Names the files beside the report, whose lock is held.
    """
    for place in files.work_places:
        if place.is_dir() and not place.is_symlink() and other_owner(place) is None:
            _clean(place)


def _made(place: Path, path: Path) -> Path:
    """Make a folder two levels below the work folder, which :meth:`WorkFolder.close` may remove."""
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
    make_private(place)
    if not place.is_dir():
        raise NotADirectoryError(None, "it is not a folder")
    if (owner := other_owner(place)) is not None:
        raise PermissionError(None, f"it belongs to {owner}")


def _try_to_move(place: Path, folder: Path) -> None:
    """Try to move a folder from the work folder to where it is published.

    Raises:
        OSError: That is not possible, for example between two file systems.
    """
    made, moved = place / _PROBE, probes(folder / _PROBE)[0]
    made.mkdir(PRIVATE_FOLDER_MODE, exist_ok=True)
    try:
        made.rename(moved)
    finally:
        for each in (made, moved):
            _remove_empty(each)


def _clean(place: Path) -> None:
    """Remove the files of earlier runs, but for journals; nothing depends on that."""
    shutil.rmtree(place / _SCRATCH, ignore_errors=True)
    for dated in day_folders(place).values():
        _remove_empty(dated / JOURNALS)
        _remove_empty(dated)
    _remove_empty(place)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
