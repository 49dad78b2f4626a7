"""How a column of the report's rows is written to a file of the work folder, as an Arrow array.

A closed set is written as the numbers of :mod:`jobs.schema`. How an open set is written, e.g. the
organizations, is left to each kind of file.
"""

from __future__ import annotations

from typing import Final

import pandas as pd
import pyarrow as pa

from jobs.schema import ROWS, STRING, codes, with_dtype

__all__ = ["array_of", "column_of", "is_open_set"]

_FRAME_TYPES: Final = {
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.large_string(): STRING,
}


def is_open_set(name: str) -> bool:
    """Return True if a column is a category whose values come from the input or the gateway."""
    dtype = ROWS.get(name)
    return isinstance(dtype, str) and dtype == "category"  # a closed set is equal to that, too


def array_of(name: str, rows: pd.DataFrame) -> pa.Array:
    """Return a column of rows that is no open set, as it is written."""
    dtype = ROWS.get(name, STRING)
    if isinstance(dtype, pd.CategoricalDtype):
        return pa.array(codes(rows, name))
    return pa.array(with_dtype(rows[name], dtype))


def column_of(name: str, column: pa.ChunkedArray) -> object:
    """Return what :func:`array_of` was given, as a column of a frame."""
    dtype = ROWS.get(name, STRING)
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(column.to_numpy(), dtype=dtype)
    return column.to_pandas(types_mapper=_FRAME_TYPES.get)
