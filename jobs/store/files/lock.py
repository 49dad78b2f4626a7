"""A lock file beside the report, so that only one run at a time writes it.

The lock is one of the operating system and ends with the process, however that ends. The file
stays; whether it exists means nothing. It contains a note about the process that has the lock.
Where the file system has no ``flock``, a POSIX lock takes its place; where it has neither, the run
goes on with a warning: a file whose existence is the lock would be left behind by a run that was
killed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from jobs.errors import BusyError, OutputError, RunError
from jobs.loggers import ALWAYS
from jobs.store.locations import PRIVATE_MODE, other_owner
from palm.files.regular import check_regular

__all__ = ["one_at_a_time"]

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
_HELD: Final = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
_NOT_OFFERED: Final = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
"""Error numbers of file systems that have no such lock, or no server for it."""
_NOTE: Final = b'{"pid": '
_MAX_NOTE_BYTES: Final = 1000


@contextmanager
def one_at_a_time(path: Path, *, started: datetime) -> Iterator[None]:
    """Hold the lock while the block runs.

    Args:
        path: The lock file; its name begins with a dot.
        started: When the run began (aware); another run that finds the lock shows it.

    Raises:
        BusyError: Another run holds it.
        OutputError: The file cannot be made, or belongs to another user.
    """
    descriptor = _open(path)
    try:
        _acquire(descriptor, path)
        _write_note(descriptor, json.dumps({"pid": os.getpid(), "started": started.isoformat()}))
        try:
            yield
        finally:
            _write_note(descriptor, "")
    finally:
        os.close(descriptor)  # which releases it


def _open(path: Path) -> int:
    try:
        with suppress(FileNotFoundError):
            check_regular(path.lstat().st_mode)
        descriptor = os.open(path, _FLAGS, PRIVATE_MODE)
    except PermissionError as error:
        owner, shown = other_owner(path), shlex.quote(str(path))
        if owner is None:
            raise _unusable(path, error.strerror) from None
        raise OutputError(
            f"the lock {path} belongs to {owner}, and this user may not write to it. If no run is "
            f"at work there, remove it: sudo rm {shown}; then start every run as the same user",
        ) from None
    except OSError as error:
        raise _unusable(path, error.strerror) from None
    try:
        check_regular(os.fstat(descriptor).st_mode)  # something else may have taken its place
    except OSError as error:
        os.close(descriptor)
        raise _unusable(path, error.strerror) from None
    return descriptor


def _acquire(descriptor: int, path: Path) -> None:
    for lock in (fcntl.flock, fcntl.lockf):
        if _is_acquired(lock, descriptor, path):
            return
    structlog.get_logger(ALWAYS).warning(
        f"The file system of {path} offers no locks: nothing keeps two runs of this report apart. "
        "See to it that they do not overlap, or keep the report on a local disk"
    )


def _is_acquired(lock: Callable[[int, int], object], descriptor: int, path: Path) -> bool:
    """Take the lock and return True; return False if the file system has no lock of this kind.

    Raises:
        BusyError: Another run holds it.
        OutputError: The lock cannot be taken.
    """
    try:
        lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NOT_OFFERED:
            return False
        if error.errno in _HELD:
            who = _holder(descriptor)
            raise BusyError(f"another run is writing this report{who}") from None
        raise _unusable(path, error.strerror) from None
    return True


def _unusable(path: Path, reason: str | None) -> RunError:
    return OutputError(
        f"the lock {path} cannot be made: {reason}. Move away what is there, or mend the folder",
    )


def _write_note(descriptor: int, note: str) -> None:
    """Write a note about this process into the lock file, for other runs that find it locked.

    A file with any other content is not changed: it may be another file under a second name.
    """
    with suppress(OSError):
        if os.pread(descriptor, len(_NOTE), 0) in {b"", _NOTE}:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note.encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        note = json.loads(os.pread(descriptor, _MAX_NOTE_BYTES, 0))
        started = datetime.fromisoformat(note["started"])
        return f": pid {int(note['pid'])}, since {started.isoformat()}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
