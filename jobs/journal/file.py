"""The journal's file, as the system sees it: appended to, synced, its owner's alone.

Each function raises OSError where the file system cannot do what is asked; :func:`unwritable` says
what the operator reads then.
"""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path
from typing import Final

from jobs.errors import OutputError, RunError
from jobs.store.filesystem import DISK_FULL
from jobs.store.locations import PRIVATE_MODE, other_owner
from palm.files.regular import kind_of

__all__ = ["append", "sync", "sync_folder", "unwritable", "write"]

_CANNOT_SYNC: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EACCES}
"""What file systems answer that know no such thing; they keep what they were given all the same."""


def append(path: Path, frames: bytes) -> None:
    """Add to a file that is made where there is none, and sync it."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    file = os.open(path, flags, PRIVATE_MODE)
    try:
        write(file, frames)
        sync(file)
    finally:
        os.close(file)


def write(file: int, frames: bytes) -> None:
    """Write all of it, however little the system takes at once."""
    left = memoryview(frames)
    while left:
        left = left[os.write(file, left) :]


def sync(file: int) -> None:
    """Have what was written survive the machine, where the file system can."""
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def sync_folder(folder: Path) -> None:
    """Make a name that was given in a folder survive the machine, as what is in the file does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> RunError:
    """Return what ends a run whose journal cannot be read or written: why, and what to do (73)."""
    shown = shlex.quote(str(path))
    if error.errno in DISK_FULL:
        return OutputError(
            f"Disk full at the journal {path}: answers so far are kept. Free space",
            again=True,
        )
    if _is_no_file(path):
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


def _is_no_file(path: Path) -> bool:
    try:
        return kind_of(path.lstat().st_mode) is not None
    except OSError:
        return False
