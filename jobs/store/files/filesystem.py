"""Writes and replaces files in one step, also on file systems with few features.

Network shares and object stores that are mounted (SMB, blobfuse) have no hard links, refuse a mode,
or cannot flush a folder. A feature that is not needed may be missing. What is needed is tried in
the folder before the run begins (:func:`try_folder`).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from jobs.store.locations import PRIVATE_FOLDER_MODE, PRIVATE_MODE, probes, temporary_pattern

__all__ = [
    "DISK_FULL",
    "NOT_OFFERED",
    "Misplaced",
    "exists",
    "identity_of",
    "keep_aside",
    "make_private",
    "place",
    "private_opener",
    "reason_of",
    "remove",
    "remove_left",
    "sync_folder",
    "try_folder",
    "write_new",
]

DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
NOT_OFFERED: Final = frozenset(
    {errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
)
"""Error numbers of file systems that lack an operation: modes, flushing or exchanging folders."""
_Identity: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A new file that could not replace the earlier one, or only with an error.

    Attributes:
        why: What went wrong.
        stands: True if the new file is at its path in spite of the error, False if the earlier one
            still is, None if that is not known.
    """

    why: str
    stands: bool | None


def reason_of(error: OSError) -> str:
    """Return why a file operation failed; pyarrow's own errors have no ``strerror``."""
    return error.strerror or str(error) or type(error).__name__


def private_opener(path: str, flags: int) -> int:
    """Open a file for ``open``; a new one can be read by no other user."""
    return os.open(path, flags, PRIVATE_MODE)


def write_new(path: Path, mode: int, write: Callable[[BinaryIO], object]) -> None:
    """Write and flush a new file; other users cannot read it before it is complete.

    Raises:
        OSError: The file cannot be written, or exists already.
    """
    with open(path, "xb", opener=private_opener) as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    _set_mode(path, mode)


def make_private(folder: Path) -> None:
    """Make a folder that no other user may read, or keep others from one that exists.

    Raises:
        OSError: The folder cannot be made.
    """
    try:
        folder.mkdir(PRIVATE_FOLDER_MODE)
    except FileExistsError:
        _set_mode(folder, PRIVATE_FOLDER_MODE)


def keep_aside(path: Path, aside: Path) -> None:
    """Give a file a second name: a hard link or, if that is not possible, a copy.

    Hard links are not possible on SMB and blobfuse, and not to files of other owners if Linux
    protects those (``fs.protected_hardlinks``).

    Raises:
        OSError: The file can be neither linked nor copied.
    """
    try:
        os.link(path, aside)
    except OSError:
        remove(aside)  # NFS may report an error although it has made the link
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            write_new(aside, mode, lambda copy: shutil.copyfileobj(file, copy))


def place(fresh: Path, path: Path) -> Misplaced | None:
    """Move a new file to ``path`` in one step; return what went wrong, or None.

    A network file system may report an error although it has moved the file. So after an error this
    looks which of the two files is at ``path``.
    """
    identity = identity_of(fresh)
    try:
        fresh.replace(path)
    except OSError as error:
        return Misplaced(reason_of(error), _has_moved(fresh, path, identity))
    try:
        sync_folder(path.parent)
    except OSError as error:
        return Misplaced(f"its folder cannot be flushed: {reason_of(error)}", stands=True)
    return None


def exists(path: Path) -> bool:
    """Return True if there is anything at a path, even a link to nothing.

    Raises:
        OSError: That cannot be known.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def remove(path: Path) -> None:
    """Remove a file if possible; nothing depends on that."""
    with suppress(OSError):
        path.unlink()


def remove_left(path: Path) -> None:
    """Remove temporary files beside ``path`` that were left by a run that was killed."""
    left = temporary_pattern(path)
    with suppress(OSError):  # where the folder cannot be listed
        for beside in path.parent.iterdir():
            if left.fullmatch(beside.name):
                remove(beside)


def try_folder(path: Path) -> None:
    """Try in the folder of ``path`` every operation that publishing needs, with names as long.

    Raises:
        OSError: A file cannot be made there, written, flushed, or moved over another.
    """
    made, over = probes(path)
    try:
        for each in (made, over):
            write_new(each, PRIVATE_MODE, lambda file: file.write(b"probe\n"))
        made.replace(over)
        over.unlink()
    finally:
        remove(made)
        remove(over)


def _set_mode(path: Path, mode: int) -> None:
    """Set a mode, unless the file system has none."""
    try:
        path.chmod(mode)
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise


def _has_moved(fresh: Path, path: Path, identity: _Identity | None) -> bool | None:
    """Return True if a file has moved to ``path``; None: that cannot be known."""
    if identity is not None and identity_of(path) == identity:
        return True
    try:
        fresh.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return None
    return False


def identity_of(path: Path) -> _Identity | None:
    """Return what identifies a file: more than the inode, which some network shares invent."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def sync_folder(folder: Path) -> None:
    """Flush a folder, if it can be opened and its file system supports that.

    Raises:
        OSError: The folder cannot be flushed.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise
