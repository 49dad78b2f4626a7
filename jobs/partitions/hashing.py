"""Which partition a pair belongs to. Pure.

The hash is the crc32 of ``organization_id``, a NUL and ``openid`` in UTF-8, which every engine has:
``zlib.crc32`` in Python, ``crc32`` in MySQL and Spark. Its first bits are the number of the
partition, so partition 3 of 4 is the partitions 6 and 7 of 8.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["MOST_BITS", "partition_name", "partition_numbers"]

MOST_BITS: Final = 12
"""4,096 partitions at most."""
_HASH_BITS: Final = 32


def partition_numbers(
    organization_ids: pd.Series, openids: pd.Series, bits: int
) -> npt.NDArray[np.int32]:
    """Return the partition of each pair, from 0 to ``2**bits - 1``.

    Args:
        organization_ids: A category without missing values.
        openids: Texts, none missing.
        bits: Of the hash; 0: there is one partition.
    """
    if bits == 0:
        return np.zeros(len(openids), dtype=np.int32)
    prefixes = [
        crc32(f"{name}\0".encode("utf-8", "surrogatepass"))
        for name in organization_ids.cat.categories
    ]
    hashes = np.fromiter(
        (
            crc32(openid.encode("utf-8", "surrogatepass"), prefixes[code])
            for openid, code in zip(
                openids.tolist(), organization_ids.cat.codes.tolist(), strict=True
            )
        ),
        dtype=np.uint32,
        count=len(openids),
    )
    return (hashes >> np.uint32(_HASH_BITS - bits)).astype(np.int32)


def partition_name(number: int) -> str:
    """Return the name of a partition's file, without a suffix: ``part-00012``."""
    return f"part-{number:05}"
