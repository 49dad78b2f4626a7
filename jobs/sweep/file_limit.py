"""How many connections may be open at a time: the process's limit of open files."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

from jobs.errors import UsageError

__all__ = ["connections_within_limit"]

_RESERVE: Final = 32
"""Descriptors that are kept for files, name resolution and libraries."""
_OPEN_FILES: Final = (Path("/proc/self/fd"), Path("/dev/fd"))


def connections_within_limit(wanted: int, *, each: int = 1) -> int:
    """Return how many of the wanted connections can be open; the soft limit is raised for them.

    Args:
        wanted: Connections.
        each: Descriptors that each of them takes: 2 where the gateway is in this process, too.

    Raises:
        UsageError: Not even one connection can be open.
    """
    in_use = _in_use()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = in_use + _RESERVE + each * wanted
    if soft != resource.RLIM_INFINITY and soft < needed:
        target = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(OSError, ValueError):  # some systems refuse the hard limit that they report
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, target), hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    free = (soft - in_use - min(_RESERVE, soft // 4)) // each
    if free < 1:
        raise UsageError(
            f"at most {soft} files may be open, which leaves none for a connection: raise the "
            "limit, e.g. with ulimit -n 1024",
        )
    return min(wanted, free)


def _in_use() -> int:
    for folder in _OPEN_FILES:
        with suppress(OSError):
            return sum(1 for _ in folder.iterdir())
    return _RESERVE
