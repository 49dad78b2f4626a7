"""Exchanges two folders in one step, where the operating system and the file system can."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

__all__ = ["exchange"]

_HERE: Final = -100
"""AT_FDCWD: relative paths are relative to the current folder."""
_EXCHANGE: Final = 1 << 1
"""RENAME_EXCHANGE; source of both numbers: ``linux/fcntl.h`` and ``linux/fs.h``."""


def exchange(one: Path, other: Path) -> None:
    """Give each of two folders the path of the other, in one step.

    Raises:
        OSError: That is not possible; ``errno.ENOSYS`` where the C library has no such call.
    """
    library = ctypes.CDLL(None, use_errno=True)
    rename = getattr(library, "renameat2", None)
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))
