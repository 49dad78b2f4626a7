"""The values and the frames that the stages hand to each other. Pure.

``values`` has the closed sets (state, change, reason), ``columns`` the table of the report's
columns, ``frames`` what is derived from it for pandas. To add a column, add its entry to
``columns.COLUMNS`` and the code that fills it: frames, Parquet types, checksums, the data
dictionary, lists of pairs and the table in the README follow.

In: nothing. Out: names, types and meanings. May import pandas and pyarrow, and nothing of ours.
"""

from __future__ import annotations

from jobs.schema.column_types import STRING, ColumnType, Dtype
from jobs.schema.columns import (
    ARROW_TYPES,
    COLUMNS,
    PERSONAL,
    REQUIRED,
    Column,
    Listing,
    Source,
    listed,
)
from jobs.schema.frames import (
    ANSWERS,
    PAIRS,
    ROWS,
    Array,
    Schema,
    carried_columns,
    categories,
    codes,
    concatenated,
    conform,
    with_dtype,
)
from jobs.schema.values import GAIN, HIDDEN, LOSS, NO_CHANGE, Change, Label, State, UnknownReason

__all__ = [
    "ANSWERS",
    "ARROW_TYPES",
    "COLUMNS",
    "GAIN",
    "HIDDEN",
    "LOSS",
    "NO_CHANGE",
    "PAIRS",
    "PERSONAL",
    "REQUIRED",
    "ROWS",
    "STRING",
    "Array",
    "Change",
    "Column",
    "ColumnType",
    "Dtype",
    "Label",
    "Listing",
    "Schema",
    "Source",
    "State",
    "UnknownReason",
    "carried_columns",
    "categories",
    "codes",
    "concatenated",
    "conform",
    "listed",
    "with_dtype",
]
