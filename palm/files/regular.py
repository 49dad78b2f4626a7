"""Files, and what stands where a file is wanted: a FIFO would keep its reader waiting for ever."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["check_regular", "kind_of", "open_regular", "path_fault"]

_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
}


def kind_of(mode: int) -> str | None:
    """Return what it is that has this ``st_mode``, with its article; None: a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def check_regular(mode: int) -> None:
    """Refuse what is not a regular file.

    Raises:
        OSError: It is not; ``strerror`` says what it is instead.
    """
    if kind := kind_of(mode):
        raise OSError(errno.EINVAL, f"it is {kind}, not a file")


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading, without waiting for anybody.

    Raises:
        OSError: It cannot be opened, or is not a regular file; ``strerror`` says which.
        ValueError: The path holds a NUL, or characters that the locale cannot encode.
    """
    check_regular(os.stat(path).st_mode)  # noqa: PTH116 - opening a socket or a device does harm
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        check_regular(os.fstat(descriptor).st_mode)  # something else may have taken its place
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def path_fault(error: OSError | ValueError | RuntimeError) -> str:
    """Return why a path cannot be used, in words that do not hold it."""
    if isinstance(error, FileNotFoundError) and error.filename is None:  # of os.getcwd()
        return "the working folder no longer exists; change to one that does"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeError):
        return (
            f"the locale's encoding, {sys.getfilesystemencoding()}, lacks a character of it; set "
            "LC_ALL=C.UTF-8"
        )
    if isinstance(error, RuntimeError):  # pathlib's
        return os.strerror(errno.ELOOP)
    return "it holds a NUL"
