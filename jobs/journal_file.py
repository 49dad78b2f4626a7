"""The journal's file, as the system sees it: appended to, synced, its owner's alone.

Each function raises OSError where the file system cannot do what is asked.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from jobs.locations import PRIVATE_MODE

__all__ = ["append", "sync", "sync_folder", "write"]

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
