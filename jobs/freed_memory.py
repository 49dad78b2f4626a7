"""Return memory that was freed to the operating system, so that the next step can have it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import pyarrow as pa

__all__ = ["release_arrow_memory", "release_freed_memory"]


def release_arrow_memory() -> None:
    """Return to the operating system the freed memory that Arrow's allocator keeps for reuse.

    Reading and matching need several times the memory of their result. This is called at the end of
    such a step, so that the next step can use the memory, whichever allocator it has.
    """
    pa.default_memory_pool().release_unused()


def release_freed_memory() -> None:
    """Return all memory that was freed, where the C library can do that.

    glibc keeps what one thread freed for that thread: in a worker, asking and writing are done by
    different ones. It takes some milliseconds.

    Source: https://distributed.dask.org/en/stable/worker-memory.html#manually-trim-memory
    """
    release_arrow_memory()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's ``malloc_trim``; None: this is another C library."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
    return trim
