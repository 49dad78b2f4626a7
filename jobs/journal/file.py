"""Writing and syncing the journal's file, which only its owner can read.

Each function raises OSError where the file system cannot do what is asked; :func:`unwritable`
returns the error that the operator reads then.
"""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path
from typing import Final

from jobs.errors import OutputError, RunError
from jobs.store.files.filesystem import DISK_FULL
from jobs.store.locations import PRIVATE_MODE, other_owner
from palm.files.regular import kind_of

__all__ = ["append", "sync", "sync_folder", "unwritable", "write"]

_CANNOT_SYNC: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EACCES}
"""What file systems without this operation return; they store the data all the same."""


def append(path: Path, frames: bytes) -> None:
    """Append to a file, and sync it; create it if there is none."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    file = os.open(path, flags, PRIVATE_MODE)
    try:
        write(file, frames)
        sync(file)
    finally:
        os.close(file)


def write(file: int, frames: bytes) -> None:
    """Write all of ``frames``, however few bytes the system takes at once."""
    left = memoryview(frames)
    while left:
        left = left[os.write(file, left) :]


def sync(file: int) -> None:
    """Make what was written survive a crash of the machine, where the file system can."""
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> RunError:
    """Return the error that ends a run whose journal cannot be read or written."""
    shown = shlex.quote(str(path))
    if error.errno in DISK_FULL:
        return OutputError(
            f"Disk full at the journal {path}: answers so far are kept. Free space",
            again=True,
        )
    if _is_irregular(path):
        return OutputError(f"the journal {path} cannot be written: {error.strerror}; move it away")
    if isinstance(error, PermissionError) and (owner := other_owner(path)):
        return OutputError(
            f"the journal {path} cannot be written: it belongs to {owner}. Run the same command as "
            f"that user or, if its answers may be asked for again, remove it: sudo rm {shown}",
        )
    return OutputError(
        f"the journal {path} cannot be written: {error.strerror or error}; the answers that it "
        "holds are kept. Free space or mend the folder",
        again=True,
    )


def _is_irregular(path: Path) -> bool:
    """Return True if there is something other than a regular file."""
    try:
        return kind_of(path.lstat().st_mode) is not None
    except OSError:
        return False
