"""Files that take their place in one step, on file systems that do not offer everything.

Network shares and object stores that are mounted (SMB, blobfuse) have no hard links, refuse a mode,
or cannot flush a folder. What can be done without is done without; what cannot be is tried on the
very folder before it is needed (:func:`try_folder`).
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

from jobs.store.locations import PRIVATE_MODE, probes, temporary_pattern

__all__ = [
    "DISK_FULL",
    "Misplaced",
    "keep_aside",
    "place",
    "reason_of",
    "remove",
    "remove_left",
    "try_folder",
    "write_new",
]

DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_OFFERED: Final = frozenset(
    {errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
)
"""What a file system answers that does not offer a mode, or the flushing of a folder."""
_Identity: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A new file did not take its place as it should.

    Attributes:
        why: What went wrong.
        stands: True if the new file stands in its place all the same, False if what was there
            before does, None if that cannot be known.
    """

    why: str
    stands: bool | None


def reason_of(error: OSError) -> str:
    """Return why a file operation failed; pyarrow's own errors have no ``strerror``."""
    return error.strerror or str(error) or type(error).__name__


def write_new(path: Path, mode: int, write: Callable[[BinaryIO], object]) -> None:
    """Write a new file, and flush it; until it is whole it is open to nobody else.

    Raises:
        OSError: It cannot be written, or is there already.
    """
    with open(path, "xb", opener=_for_us_alone) as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.chmod(mode)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise


def keep_aside(path: Path, aside: Path) -> None:
    """Give a file a second name: a hard link or, where there can be none, a copy.

    There can be none on SMB and blobfuse, and of another owner's file where Linux protects these
    (``fs.protected_hardlinks``).

    Raises:
        OSError: It can be neither linked nor copied.
    """
    try:
        os.link(path, aside)
    except OSError:
        remove(aside)  # NFS may have made the link, and report an error all the same
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            write_new(aside, mode, lambda copy: shutil.copyfileobj(file, copy))


def place(fresh: Path, path: Path) -> Misplaced | None:
    """Move a new file over what stands at ``path``, in one step; return what went wrong, or None.

    A network file system may move a file and report an error all the same: after an error it is
    looked at which of the two stands there.
    """
    identity = _identity_of(fresh)
    try:
        fresh.replace(path)
    except OSError as error:
        return Misplaced(reason_of(error), _has_moved(fresh, path, identity))
    try:
        _sync_folder(path.parent)
    except OSError as error:
        return Misplaced(f"its folder cannot be flushed: {reason_of(error)}", stands=True)
    return None


def remove(path: Path) -> None:
    """Remove a file of which nothing depends on its being gone."""
    with suppress(OSError):
        path.unlink()


def remove_left(path: Path) -> None:
    """Remove what a run that was killed while it published has left beside ``path``."""
    left = temporary_pattern(path)
    with suppress(OSError):  # where the folder cannot be listed
        for beside in path.parent.iterdir():
            if left.fullmatch(beside.name):
                remove(beside)


def try_folder(path: Path) -> None:
    """Try beside ``path`` all that publishing cannot do without, under names as long as it needs.

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


def _has_moved(fresh: Path, path: Path, identity: _Identity | None) -> bool | None:
    """Return True if a file has moved to ``path``; None: that cannot be known."""
    if identity is not None and _identity_of(path) == identity:
        return True
    try:
        fresh.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return None
    return False


def _identity_of(path: Path) -> _Identity | None:
    """Return what tells a file from others; not the inode alone, which some shares make up."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _sync_folder(folder: Path) -> None:
    """Flush a folder, where it can be opened for that and its file system offers it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_MODE)
