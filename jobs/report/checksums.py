"""Checksums of a report's columns: of their values, not of how a file stores them.

Pure. The sha256 of a column is taken over its name and its values in a canonical form, so that it
does not depend on chunks, row groups, dictionaries, compression or the versions of libraries. A
file rewritten by another tool with the same values has the same checksums.

=====================  ===========================================================================
column                 canonical form, integers little-endian
=====================  ===========================================================================
states, changes, ...   one int8 a row: the position in the column's categories, -1 where missing
organization, codes    the distinct texts in the order of their first row, and an int32 a row
times                  one int64 a row, milliseconds since 1970; the least int64 where missing
whole numbers          one of the column's own width a row, 0 where missing; one bit a row: missing
texts                  one int32 a row, the length in UTF-8, -1 where missing; all texts joined
=====================  ===========================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.schema import ROWS, codes

__all__ = ["column_digests"]

_Part: TypeAlias = bytes | memoryview
_MISSING: Final = -1


def column_digests(rows: pd.DataFrame) -> dict[str, str]:
    """Return the sha256 of each column, by its name, as hexadecimal digits.

    Args:
        rows: Columns of ``ROWS`` under its dtypes, and carried ones as text.
    """
    return {str(name): _digest(str(name), rows[name]) for name in rows.columns}


def _digest(name: str, column: pd.Series) -> str:
    digest = hashlib.sha256(json.dumps([name, len(column)]).encode() + b"\n")
    for part in _canonical(name, column):
        digest.update(part)
    return digest.hexdigest()


def _canonical(name: str, column: pd.Series) -> Iterator[_Part]:
    """Yield the column's canonical form; the number of rows says where each part ends."""
    kind = ROWS.get(name)
    if isinstance(kind, pd.CategoricalDtype):
        yield codes(column.to_frame(name), name).data
    elif isinstance(column.dtype, pd.CategoricalDtype):
        yield from _distinct(column)
    elif pd.api.types.is_datetime64_any_dtype(column.dtype):
        yield np.ascontiguousarray(column.to_numpy("datetime64[ms]").view("int64"), "<i8").data
    elif pd.api.types.is_integer_dtype(column.dtype):
        width = np.dtype(str(column.dtype).lower()).newbyteorder("<")
        yield np.ascontiguousarray(column.to_numpy(width, na_value=0)).data
        yield np.packbits(column.isna().to_numpy(bool)).data
    else:
        yield from _texts(column)


def _distinct(column: pd.Series) -> Iterator[_Part]:
    numbers, places = pd.factorize(column.cat.codes.to_numpy())
    categories = column.cat.categories
    texts = [None if place == _MISSING else str(categories[place]) for place in places.tolist()]
    yield json.dumps(texts).encode() + b"\n"
    yield numbers.astype("<i4").data


def _texts(column: pd.Series) -> Iterator[_Part]:
    """Yield a hash of all lengths and a hash of all texts: two streams over the same chunks."""
    cells = pa.array(column)
    lengths, texts = hashlib.sha256(), hashlib.sha256()
    for chunk in cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]:
        size = pc.fill_null(pc.binary_length(chunk).cast(pa.int32()), _MISSING)
        lengths.update(np.ascontiguousarray(size.to_numpy(), "<i4").data)
        texts.update(_joined(pc.fill_null(chunk, "") if chunk.null_count else chunk))
    yield lengths.digest()
    yield texts.digest()


def _joined(chunk: pa.Array) -> memoryview:
    """Return the bytes of all texts of an array without missing ones, concatenated."""
    _, starts, content = chunk.buffers()
    if not len(chunk) or content is None:
        return memoryview(b"")
    width = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
    offsets = np.frombuffer(starts, width)[chunk.offset : chunk.offset + len(chunk) + 1]
    return memoryview(content)[int(offsets[0]) : int(offsets[-1])]
