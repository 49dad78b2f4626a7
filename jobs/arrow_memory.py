"""Return memory that Arrow keeps after it was freed."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["release_arrow_memory"]


def release_arrow_memory() -> None:
    """Return to the operating system the freed memory that Arrow's allocator keeps for reuse.

    Reading and matching need several times the memory of their result. This is called at the end of
    such a step, so that the next step can use the memory, whichever allocator it has.
    """
    pa.default_memory_pool().release_unused()
