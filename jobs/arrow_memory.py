"""Memory that was needed for a moment, given back."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["release_arrow_memory"]


def release_arrow_memory() -> None:
    """Return to the system what Arrow's allocator has been freed of, but keeps for the next time.

    Reading and matching need several times the room of what they return. Called where such a step
    ends, so that the room is there for the next one, whoever allocates it.
    """
    pa.default_memory_pool().release_unused()
