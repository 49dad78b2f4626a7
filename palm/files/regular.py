"""Opens regular files only: a FIFO in place of a file, for example, would block its reader."""

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
    """Return the kind of file with this ``st_mode``, with its article; None: a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def check_regular(mode: int) -> None:
    """Check that a file with this ``st_mode`` is a regular file.

    Raises:
        OSError: It is not; ``strerror`` names the kind of file.
    """
    if kind := kind_of(mode):
        raise OSError(errno.EINVAL, f"it is {kind}, not a file")


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading, without blocking.

    Raises:
        OSError: The file cannot be opened, or is not a regular file; ``strerror`` is the reason.
        ValueError: The path contains a NUL, or characters that the locale cannot encode.
    """
    check_regular(os.stat(path).st_mode)  # noqa: PTH116 - opening a device can have side effects
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        check_regular(os.fstat(descriptor).st_mode)  # the file may have been replaced since
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def path_fault(error: OSError | ValueError | RuntimeError) -> str:
    """Return why a path cannot be used, in words that do not contain the path."""
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
