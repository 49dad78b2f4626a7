"""The folder of a day, replaced whole: its new files are made aside, then it changes places.

Whenever a run is killed, the earlier or the new folder is in place, or the next run puts it there
(:meth:`DayExchange.settle`):

1. The new files are in ``staged``, in the work folder of the day. The day is as it was.
2. ``staged`` and the folder of the day are exchanged in one step. Where that is not possible, the
   folder of the day is renamed to ``replaced``, then ``staged`` takes its place.
3. Files that are not of the report move from the earlier folder to the new one.
4. What is left of the earlier folder is removed.

``staged`` is never made while ``replaced`` exists. So where ``replaced`` holds a report and the day
has none, ``staged`` is complete.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.store.days import has_report, is_of_report
from jobs.store.files.exchange import exchange
from jobs.store.files.filesystem import (
    NOT_OFFERED,
    Misplaced,
    exists,
    identity_of,
    make_private,
    reason_of,
    sync_folder,
)
from jobs.store.locations import FOLDER_MODE, PRIVATE_FOLDER_MODE, mode_of

__all__ = ["DayExchange"]

_STAGED: Final = "staged"
_REPLACED: Final = "replaced"
_REMOVED: Final = "removed"


@dataclass(frozen=True, slots=True)
class DayExchange:
    """The folder of a day and its work folder, which are on one file system.

    Attributes:
        day: The folder of the day, which need not exist.
        work: The work folder of the day.
    """

    day: Path
    work: Path

    @property
    def staged(self) -> Path:
        """Where the new files are made."""
        return self.work / _STAGED

    @property
    def is_interrupted(self) -> bool:
        """Whether a run was killed between two renames: the day has no report until it settles.

        Raises:
            OSError: That cannot be known.
        """
        return has_report(self.work / _REPLACED) and not has_report(self.day)

    def begin(self) -> Path:
        """Make the empty folder for the new files; no other user can read it.

        Raises:
            OSError: It cannot be made, or what an earlier run left cannot be removed.
        """
        self.settle()
        for folder in (self.work.parent, self.work, self.staged):
            make_private(folder)
        self._inherit_group()
        return self.staged

    def place(self, main: str) -> Misplaced | None:
        """Let the new files take the place of the folder of the day; return what went wrong.

        Args:
            main: The name of a new file.
        """
        if (identity := identity_of(self.staged / main)) is None:
            return Misplaced(f"{self.staged / main} cannot be read", stands=False)
        try:
            self.staged.chmod(mode_of(self.day, FOLDER_MODE))
            sync_folder(self.staged)
            self._swap(lambda: identity_of(self.day / main) == identity)
        except OSError as error:
            why = reason_of(error)
            with suppress(OSError):
                self.settle()
            if identity_of(self.day / main) != identity:
                return self._not_placed(why)
        else:
            why = ""
        try:
            for folder in (self.day.parent, self.work):
                sync_folder(folder)
            self.settle()
        except OSError as error:
            why = why or f"what the earlier folder held: {error.filename}: {reason_of(error)}"
        return Misplaced(why, stands=True) if why else None

    def settle(self) -> None:
        """Finish what a run that was killed left.

        Raises:
            OSError: Files cannot be moved or removed.
        """
        replaced = self.work / _REPLACED
        if self.is_interrupted:
            new = self.staged if exists(self.staged) else replaced
            if exists(self.day):
                _move(list(self.day.iterdir()), new)
                self.day.rmdir()
            new.rename(self.day)
            sync_folder(self.day.parent)
        for earlier in (replaced, self.staged, self.work / _REMOVED):
            if exists(earlier):
                self._discard(earlier)

    def remove_report(self) -> None:
        """Remove the report of the day in one step, and the folder if it holds nothing else.

        Raises:
            OSError: It cannot be removed, or only a part of it.
        """
        for folder in (self.work.parent, self.work):
            make_private(folder)
        self.day.rename(self.work / _REMOVED)
        self._discard(self.work / _REMOVED)

    def _swap(self, is_placed: Callable[[], bool]) -> None:
        """Let ``staged`` and the folder of the day change places.

        Args:
            is_placed: Returns True if the new files are in the folder of the day; a network file
                system may report an error although they are.

        Raises:
            OSError: They did not, or that is not known.
        """
        if not exists(self.day):
            self.staged.rename(self.day)
            return
        try:
            exchange(self.staged, self.day)
        except OSError as error:
            if error.errno not in NOT_OFFERED or is_placed():
                raise
            replaced = self.work / _REPLACED
            self.day.rename(replaced)
            try:
                self.staged.rename(self.day)
            except OSError:
                with suppress(OSError):
                    replaced.rename(self.day)
                raise

    def _not_placed(self, why: str) -> Misplaced:
        if exists(self.day):
            return Misplaced(why, stands=False)
        why += f"; both folders of the day are in {self.work}, and the next run puts one in place"
        return Misplaced(why, stands=None)

    def _discard(self, earlier: Path) -> None:
        """Remove an earlier folder; files that are not of a report move to that of the day."""
        others = [path for path in earlier.iterdir() if not is_of_report(path)]
        if others:
            with suppress(FileExistsError):
                self.day.mkdir(stat.S_IMODE(earlier.stat().st_mode))
            _move(others, self.day)
        for path in earlier.iterdir():
            path.unlink()
        earlier.rmdir()

    def _inherit_group(self) -> None:
        """Let new files have the group that they would have in the folder of the day."""
        status = (self.day if exists(self.day) else self.day.parent).stat()
        if status.st_mode & stat.S_ISGID:
            with suppress(OSError):  # this user may not be in that group
                os.chown(self.staged, -1, status.st_gid)
                self.staged.chmod(PRIVATE_FOLDER_MODE | stat.S_ISGID)


def _move(paths: list[Path], folder: Path) -> None:
    """Move files to a folder, under another name where theirs is taken there."""
    for path in paths:
        free, number = folder / path.name, 1
        while exists(free):
            number += 1
            free = folder / f"{path.stem}.{number}{path.suffix}"
        path.rename(free)
    sync_folder(folder)
