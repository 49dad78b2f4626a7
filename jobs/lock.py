"""One run at a time: a lock beside the report, and a note of who holds it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from jobs.exits import Exit, Stop
from jobs.locations import PRIVATE_MODE, holder_of

__all__ = ["one_at_a_time"]


@contextmanager
def one_at_a_time(path: Path, *, started: datetime) -> Iterator[None]:
    """Hold the lock while the block runs.

    The operating system releases it with the process, however that ends; the file stays.

    Args:
        path: The lock's file; begins with a dot. Beside it ``….holder`` says who holds it.
        started: Aware; told to whom comes meanwhile.

    Raises:
        Stop: Another run holds it (75); it cannot be made (73).
    """
    holder = holder_of(path)
    lock = FileLock(path, timeout=0, mode=PRIVATE_MODE)
    try:
        lock.acquire()
    except Timeout:
        raise Stop(Exit.NOT_NOW, f"another run is writing this report{_who(holder)}") from None
    except OSError as error:
        raise Stop(Exit.OUTPUT, f"{path} cannot be made: {error.strerror}") from None
    try:
        with suppress(OSError):  # it only helps whoever comes meanwhile
            holder.touch(mode=PRIVATE_MODE)
            holder.write_text(json.dumps({"pid": os.getpid(), "started": started.isoformat()}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _who(holder: Path) -> str:
    try:
        found = json.loads(holder.read_text())
        return f": pid {int(found['pid'])}, since {found['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
