"""Which partition a pair belongs to. Pure.

The hash is the crc32 of ``organization_id``, a NUL and ``openid`` in UTF-8, which every engine has:
``zlib.crc32`` in Python, ``crc32`` in MySQL and Spark. Its first bits are the number of the
partition, so partition 3 of 4 is the partitions 6 and 7 of 8.
"""

from __future__ import annotations

from functools import cache
from typing import Final, TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

__all__ = ["MOST_BITS", "pair_hashes", "partition_numbers"]

MOST_BITS: Final = 12
"""4,096 partitions at most."""
_HASH_BITS: Final = 32
_LONGEST: Final = 128
"""Bytes of a text that are hashed together with other texts of its length."""
_ROWS: Final = 1 << 14
"""Texts that are hashed together: few enough for the processor's cache."""
_Hashes: TypeAlias = npt.NDArray[np.uint32]


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
    hashes = pair_hashes(organization_ids, openids)
    return (hashes >> np.uint32(_HASH_BITS - bits)).astype(np.int32)


def pair_hashes(organization_ids: pd.Series, openids: pd.Series) -> _Hashes:
    """Return the crc32 of each pair; different pairs may have the same.

    A crc32 is linear: that of a text is the exclusive or of what each byte contributes, which
    depends on the byte and on how many follow it, and of what the prefix contributes, which
    depends on the length only. So texts of one length are hashed together, column by column.

    Args:
        organization_ids: A category without missing values.
        openids: Texts, none missing.
    """
    texts = _encoded(openids)
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
    characters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    names = [
        f"{name}\0".encode("utf-8", "surrogatepass") for name in organization_ids.cat.categories
    ]
    codes = organization_ids.cat.codes.to_numpy()
    hashes = np.empty(len(texts), np.uint32)
    lengths = np.diff(ends)
    for length in np.unique(lengths).tolist():
        same = np.flatnonzero(lengths == length)
        if length > _LONGEST:
            hashes[same] = [crc32(texts[row].as_py(), crc32(names[codes[row]])) for row in same]
            continue
        hashes[same] = _prefix_hashes(names, codes[same], length)
        for at in range(0, len(same), _ROWS):
            rows = same[at : at + _ROWS]
            hashes[rows] ^= _text_hashes(characters, ends[rows], length)
    return hashes


def _encoded(openids: pd.Series) -> pa.LargeBinaryArray:
    """Return texts in UTF-8, in one piece."""
    if openids.dtype == object:  # as of a journal
        bare = [text.encode("utf-8", "surrogatepass") for text in openids]
        return pa.array(bare, pa.large_binary())
    texts = pa.array(openids)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    return texts.cast(pa.large_binary())


def _text_hashes(
    characters: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], length: int
) -> _Hashes:
    """Return what the bytes of texts of one length contribute to their hashes."""
    first, last = starts[0], starts[-1]
    if last - first == (len(starts) - 1) * length:  # they lie side by side
        texts = characters[first : last + length].reshape(len(starts), length)
    else:
        texts = characters[starts[:, np.newaxis] + np.arange(length)]
    hashes = np.zeros(len(starts), np.uint32)
    for table, column in zip(_tables()[:length][::-1], np.ascontiguousarray(texts.T), strict=True):
        hashes ^= table[column]
    return hashes


def _prefix_hashes(names: list[bytes], codes: npt.NDArray[np.integer], length: int) -> _Hashes:
    """Return what the prefixes of texts of one length contribute: the hash with NULs as text."""
    nothing = bytes(length)
    by_code = np.zeros(len(names), np.uint32)
    used = np.flatnonzero(np.bincount(codes))
    by_code[used] = [crc32(nothing, crc32(names[code])) for code in used]
    prefixes: _Hashes = by_code[codes]
    return prefixes


@cache
def _tables() -> _Hashes:
    """Return what each byte contributes, by how many bytes follow it."""
    tables = np.empty((_LONGEST, 256), np.uint32)
    tables[0] = [crc32(bytes([byte])) ^ crc32(b"\0") for byte in range(256)]
    for following in range(1, _LONGEST):
        before = tables[following - 1]
        tables[following] = tables[0][before & 0xFF] ^ (before >> 8)
    return tables
