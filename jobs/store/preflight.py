"""Checks before the first request that the report can be written."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from jobs.errors import OutputError, UsageError
from jobs.render import FORMATS
from jobs.report.parquet.parts import is_folder
from jobs.store.days import parts_in, single_report
from jobs.store.files.filesystem import reason_of, try_folder
from jobs.store.files.immutable import is_immutable
from jobs.store.locations import (
    PRIVATE_FOLDER_MODE,
    make_folder,
    other_owner,
    previous_of,
    probes,
)
from jobs.store.outputs import Outputs
from jobs.store.work_folder import try_work_folder

__all__ = ["check_output", "check_outputs"]

_ROOT: Final = 0
_HERE: Final = Path()
_MENDED_BY: Final = {
    errno.EACCES: "; let this user write there, or name another folder with --output",
    errno.EROFS: "; name another folder with --output",
}


def check_outputs(outputs: Outputs, is_immutable: Callable[[Path], bool] = is_immutable) -> None:
    """Check before the first request that all outputs can be written.

    The folder that keeps one report a day is made if only the last part of its path is missing.

    Args:
        outputs: Where the report goes.
        is_immutable: Returns True if nobody may replace a file.

    Raises:
        UsageError: A format is unknown.
        OutputError: A folder is missing or cannot be written to, or a file cannot be replaced.
    """
    if outputs.work is not None and not is_folder(outputs.work):
        raise OutputError(f"--work: the folder {outputs.work} does not exist; make it first")
    replaced = list(outputs.files)
    for path in outputs.files:
        if outputs.day is not None and path == outputs.primary:
            _check_folder(outputs.day.parent, path.name)
            if outputs.in_parts and outputs.sidecars is not None:
                try_work_folder(outputs.sidecars)
            replaced += _check_day(outputs, outputs.day)
        else:
            check_output(path)
    if outputs.folder is None and outputs.primary is not None:
        replaced.append(previous_of(outputs.primary))
    for path in replaced:
        if is_immutable(path):
            raise OutputError(
                f"{path} cannot be replaced: it is marked immutable or append-only; remove the "
                f"mark with chattr -i -a {shlex.quote(str(path))}, or name another file with "
                "--output"
            )


def _check_folder(folder: Path, name: str) -> None:
    """Make the folder if it does not exist, and try to make the folder of a day in it."""
    try:
        make_folder(folder)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be made: {reason_of(error)}; make it and let this user "
            "write there, or name another one with --output"
        ) from None
    day, _ = probes(folder / name)
    try:
        day.mkdir(PRIVATE_FOLDER_MODE)
        try_folder(day / name)
    except OSError as error:
        raise OutputError(_not_writable(folder, error)) from None
    finally:
        with suppress(OSError):
            day.rmdir()


def _check_day(outputs: Outputs, day: Path) -> list[Path]:
    """Check that the report of a day can be replaced, or the whole folder if need be.

    Returns:
        What is replaced besides ``outputs.files``.

    Raises:
        OutputError: It cannot.
    """
    if not day.is_dir():
        return []
    try:
        parts = parts_in(day)
    except OSError as error:
        raise OutputError(_not_writable(day, error)) from None
    check_output(single_report(day))
    if not parts and not outputs.in_parts:
        return []
    if day.is_symlink():
        raise OutputError(
            f"{day} is a symbolic link, and a report of many files replaces the whole folder: move "
            "the folder to its place"
        )
    _check_owner(day)
    return [single_report(day), *parts]


def check_output(path: Path) -> None:
    """Check before the first request that one output can be written.

    Raises:
        UsageError: Its format is unknown.
        OutputError: Its folder is missing or cannot be written to.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it")
    if path.suffix.removeprefix(".") not in FORMATS:
        known = " ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"{path}: the format is known by the suffix, one of {known}")
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist; make it first")
    try:
        try_folder(path)
    except OSError as error:
        raise OutputError(_not_writable(path.parent, error)) from None
    _check_owner(path)


def _check_owner(path: Path) -> None:
    if (owner := _owner_who_keeps(path)) is not None:
        raise OutputError(
            f"{path} cannot be replaced: it belongs to {owner}, and the folder's sticky bit lets "
            "nobody else; remove it as that user, or name a file in another folder",
        )


def _not_writable(folder: Path, error: OSError) -> str:
    """Return the message about a folder in which no report can be written."""
    named = str(folder)
    if folder == _HERE:
        named = "the current folder"
        with suppress(OSError):  # it may have been removed
            named += f" {Path.cwd()}"
    mended = _MENDED_BY.get(error.errno or 0, "")
    return f"{named} cannot be written to: {reason_of(error)}{mended}"


def _owner_who_keeps(path: Path) -> str | None:
    """Return the owner of a file that only its owner may replace; None if this user may, too.

    This cannot be tested by trying, because that would change the file.
    """
    owner = other_owner(path)
    try:
        folder = path.parent.stat()
    except OSError:
        return None
    sticky = folder.st_mode & stat.S_ISVTX and os.geteuid() not in {_ROOT, folder.st_uid}
    return owner if sticky else None
