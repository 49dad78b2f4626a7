"""Frames by partition in memory, for tests of what works with partitions on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import DerivedFrame, FrameInMemory, PartitionedFrame

__all__ = ["split", "together"]


def split(frame: pd.DataFrame, bits: int) -> PartitionedFrame:
    """Return a frame divided into partitions, each with the index of its rows in the frame."""
    if not bits:
        return FrameInMemory(frame)
    numbers = partition_numbers(frame["organization_id"], frame["openid"], bits)
    counts = np.bincount(numbers, minlength=1 << bits).tolist()
    return DerivedFrame(
        bits, [str(name) for name in frame.columns], counts, lambda n: frame[numbers == n]
    )


def together(partitioned: PartitionedFrame) -> pd.DataFrame:
    """Return the rows of all partitions in the order of their index."""
    frames = [partitioned.frame(number) for number in range(1 << partitioned.bits)]
    return pd.concat(frames).sort_index()
