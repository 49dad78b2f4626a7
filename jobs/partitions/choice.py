"""Into how many partitions a run divides its pairs. Pure."""

from __future__ import annotations

from typing import Final

from jobs.partitions.hashing import MOST_BITS

__all__ = ["MOST_IN_MEMORY", "partition_bits"]

MOST_IN_MEMORY: Final = 1_000_000
"""Pairs that are held in memory at once, in one partition."""
_MOST_PER_PARTITION: Final = 1 << 16
"""It takes some 1 KB a pair to work on a partition: that of half as many saves less than a tenth of
the memory of a process, so that its memory is the same whatever the number of pairs."""


def partition_bits(partitions: int | None, pairs: int) -> int:
    """Return how many bits of the hash divide the pairs of a run.

    Args:
        partitions: The number that was asked for, a power of two; None: as many as suit the pairs.
        pairs: How many there are at most, in the input or in the report that is compared with.
    """
    if partitions is not None:
        return partitions.bit_length() - 1
    if pairs <= MOST_IN_MEMORY:
        return 0
    wanted = -(-pairs // _MOST_PER_PARTITION)
    return min((wanted - 1).bit_length(), MOST_BITS)
