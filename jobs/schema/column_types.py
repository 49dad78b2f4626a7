"""The types of the report's columns: for each how pandas, Parquet and the documentation name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype

from jobs.schema.values import Change, Label, State, UnknownReason

__all__ = [
    "CATEGORY",
    "CHANGE",
    "DATE",
    "INT16",
    "INT32",
    "INT64",
    "KNOWN_STATE",
    "REASON",
    "STATE",
    "STRING",
    "TEXT",
    "TIME",
    "ColumnType",
    "Dtype",
]

Dtype: TypeAlias = ExtensionDtype | str
STRING: Final = pd.StringDtype(na_value=float("nan"))
"""The dtype of texts, those of columns carried over from the input included."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """How pandas and Parquet hold a column.

    Attributes:
        pandas: The dtype in the report's rows, where any value but the keys may be missing.
        arrow: The type in the Parquet file.
        text: The type as the documentation calls it.
    """

    pandas: Dtype
    arrow: pa.DataType
    text: Label

    @property
    def complete(self) -> Dtype:
        """The dtype in a frame that has no missing values: an integer is NumPy's there."""
        return self.pandas.lower() if isinstance(self.pandas, str) else self.pandas


_DICTIONARY: Final = pa.dictionary(pa.int32(), pa.string())
_WORD: Final = Label("text (dictionary)", "文本（字典）")
_INTEGER: Final = Label("integer", "整数")


def _closed(values: type[State | Change | UnknownReason], *left_out: str) -> ColumnType:
    """Return the type of a column that holds only the values of a closed set."""
    words = [each.value for each in values if each not in left_out]
    return ColumnType(pd.CategoricalDtype(words), _DICTIONARY, _WORD)


TEXT: Final = ColumnType(STRING, pa.string(), Label("text", "文本"))
CATEGORY: Final = ColumnType("category", _DICTIONARY, _WORD)
TIME: Final = ColumnType(
    pd.DatetimeTZDtype("ms", "UTC"), pa.timestamp("ms", "UTC"), Label("time, UTC", "时间（UTC）")
)
DATE: Final = ColumnType("datetime64[ms]", pa.timestamp("ms"), Label("date", "日期"))
INT16: Final = ColumnType("Int16", pa.int16(), _INTEGER)
INT32: Final = ColumnType("Int32", pa.int32(), _INTEGER)
INT64: Final = ColumnType("Int64", pa.int64(), _INTEGER)
STATE: Final = _closed(State)
KNOWN_STATE: Final = _closed(State, State.UNKNOWN)
CHANGE: Final = _closed(Change)
REASON: Final = _closed(UnknownReason)
