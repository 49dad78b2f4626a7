"""The frames that the stages hand to each other, derived from the table of columns.

A frame's columns and dtypes are one constant, and :func:`conform` applies it, even to an empty
frame, so that no column's type depends on the values of one night.

``PAIRS``
    One row per pair of the input, in input order. The index is the pair's number. Columns of the
    input beyond the two keys ("carried") stand between ``openid`` and ``input_line``, as text.
``ANSWERS``
    At most one row per pair asked, with the pair's number as index.
``ROWS``
    The report: one row per pair of the input or of the baseline, carried columns after ``openid``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.schema.column_types import STRING, Dtype
from jobs.schema.columns import COLUMNS, Source

__all__ = [
    "ANSWERS",
    "PAIRS",
    "ROWS",
    "Array",
    "Schema",
    "carried_columns",
    "categories",
    "codes",
    "concatenated",
    "conform",
    "with_dtype",
]

Array: TypeAlias = npt.NDArray[Any]
"""An array of any dtype: a column, or what is computed from columns."""
Schema: TypeAlias = Mapping[str, Dtype]
"""Name of each column of a frame to its dtype, in order."""

PAIRS: Final[Schema] = {
    each.name: each.type.complete for each in COLUMNS if each.source is Source.INPUT
}
ANSWERS: Final[Schema] = {
    each.name: each.type.pandas for each in COLUMNS if each.source is Source.ANSWER
}
ROWS: Final[Schema] = {each.name: each.type.pandas for each in COLUMNS}
_OPENID: Final = "openid"


def carried_columns(columns: Iterable[str], schema: Schema) -> list[str]:
    """Return the columns carried over from the input, which are those not in ``schema``."""
    return [column for column in columns if column not in schema]


def categories(column: str) -> pd.CategoricalDtype:
    """Return the dtype of a column that holds the values of a closed set.

    Raises:
        TypeError: The column's values are not a closed set.
    """
    dtype = ROWS[column]
    if not isinstance(dtype, pd.CategoricalDtype):
        raise TypeError(f"{column} does not hold the values of a closed set")
    return dtype


def codes(rows: pd.DataFrame, column: str) -> npt.NDArray[np.int8]:
    """Return the values of a closed set as int8 codes in the set's order, -1 where missing.

    The categories are set, not only cast to: pandas takes two dtypes with the same categories in
    another order for equal, so that a cast would leave the codes of a file as they are.
    """
    dtype = categories(column)
    named = rows[column].astype(dtype).cat.set_categories(dtype.categories)
    return np.asarray(named.cat.codes, dtype=np.int8)


def conform(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return ``frame`` with the columns of ``schema``, in its order and dtypes, others as text.

    Carried columns follow ``openid``, or stand at the end where the schema has none. A column that
    the frame lacks is added, with all values missing.
    """
    carried = carried_columns(frame.columns, schema)
    order: list[str] = []
    for name in schema:
        order.append(name)
        if name == _OPENID:
            order += carried
    if _OPENID not in schema:
        order += carried
    columns = {
        name: (
            with_dtype(frame[name], schema.get(name, STRING))
            if name in frame.columns
            else pd.Series(index=frame.index, dtype=schema[name])
        )
        for name in order
    }
    return pd.DataFrame(columns, index=frame.index, columns=order)


def concatenated(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of frames with the same columns and dtypes, below each other.

    The categories of a column are those of all frames, sorted where they differ. One frame is
    returned as it is.

    Args:
        frames: At least one; pieces of ``ROWS`` or of another schema.
    """
    if len(frames) == 1:
        return frames[0]
    frames = [frame for frame in frames if len(frame)] or [frames[0]]
    united: dict[str, list[str]] = {}
    for name, dtype in frames[0].dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype):
            own = [frame[name].cat.categories for frame in frames]
            if not all(words.equals(own[0]) for words in own):
                united[str(name)] = sorted(set().union(*own))
    if united:
        frames = [
            frame.assign(**{n: frame[n].cat.set_categories(w) for n, w in united.items()})
            for frame in frames
        ]
    return pd.concat(frames, ignore_index=True)


def with_dtype(column: pd.Series, dtype: Dtype) -> pd.Series:
    """Return a column under another dtype."""
    return column.astype(dtype)  # type: ignore[arg-type] # the stubs know names as literals only
