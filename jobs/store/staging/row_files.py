"""Rows of the report in files of the work folder: each file is added to, then read whole.

A file holds a table for each time that it was added to, and is open only meanwhile. A category is
written as its number: columns of closed sets have those of :mod:`jobs.schema`, and the values of
others are numbered in memory as they come, so that all rows that are read have the same categories.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.partitions.checked_files import SUFFIX, append_table, read_table
from jobs.schema import ROWS, STRING, Array, conform
from jobs.store.files.filesystem import private_opener
from jobs.store.staging.row_columns import array_of, column_of, is_open_set

__all__ = ["RowFiles"]

_NO_ROWS: Final = conform(pd.DataFrame(), ROWS)
_NOTHING_SORTED: Final = (np.array([-1], dtype=np.int32), pd.Index([], dtype=STRING))


class RowFiles:
    """Files of rows, each under a name.

    Args:
        folder: Where they are; it is empty.

    Attributes:
        counts: How many rows each file has, by its name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schema: pa.Schema | None = None
        self._numbers: dict[str, dict[str, int]] = {}
        self._sorted: dict[str, tuple[Array, pd.Index]] = {}
        self.counts: dict[str, int] = {}

    @property
    def columns(self) -> list[str]:
        """The columns of all rows."""
        return list(ROWS) if self._schema is None else list(self._schema.names)

    def table_of(self, rows: pd.DataFrame) -> pa.Table:
        """Return rows as they are written.

        Args:
            rows: Columns ``ROWS`` and carried ones, the same in each call.
        """
        arrays = [self._array_of(str(name), rows) for name in rows.columns]
        if self._schema is None:
            named = zip(rows.columns, arrays, strict=True)
            self._schema = pa.schema([(str(name), array.type) for name, array in named])
        return pa.Table.from_arrays(arrays, schema=self._schema)

    def append(self, name: str, table: pa.Table) -> None:
        """Add rows to the end of a file.

        Args:
            name: Of the file.
            table: What :meth:`table_of` returned, or some of its rows.

        Raises:
            OSError: They cannot be written.
        """
        with open(self._path(name), "ab", opener=private_opener) as file:
            append_table(file, table)
        self.counts[name] = self.counts.get(name, 0) + len(table)

    def read(self, name: str) -> Iterator[pa.Table]:
        """Yield the rows of a file, as they were added to it.

        Raises:
            OSError: The file cannot be read, or is not as it was written.
        """
        if not self.counts.get(name):
            return
        with self._path(name).open("rb") as file:
            left = self.counts[name]
            while left > 0:
                table = read_table(file)
                left -= len(table)
                yield table

    def empty_table(self) -> pa.Table:
        """Return a table without rows."""
        return self._schema.empty_table() if self._schema else self.table_of(_NO_ROWS)

    def frame_of(self, table: pa.Table) -> pd.DataFrame:
        """Return rows that were written as they were given to :meth:`table_of`."""
        columns = {name: self._column_of(name, table[name]) for name in table.column_names}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(table)), copy=False)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"

    def _array_of(self, name: str, rows: pd.DataFrame) -> pa.Array:
        return self._numbered(name, rows[name]) if is_open_set(name) else array_of(name, rows)

    def _numbered(self, name: str, column: pd.Series) -> pa.Array:
        """Return the values of an open set as numbers, -1 where missing."""
        values = column.astype("category").cat
        numbers = self._numbers.setdefault(name, {})
        own = [numbers.setdefault(value, len(numbers)) for value in values.categories]
        return pa.array(np.array([*own, -1], dtype=np.int32)[values.codes])

    def _column_of(self, name: str, column: pa.ChunkedArray) -> object:
        if is_open_set(name):
            places, categories = self._sorted_values(name)
            return pd.Categorical.from_codes(places[column.to_numpy()], categories)
        return column_of(name, column)

    def _sorted_values(self, name: str) -> tuple[Array, pd.Index]:
        """Return the place of each number among the sorted values of an open set, and these."""
        numbers, (places, values) = self._numbers[name], self._sorted.get(name, _NOTHING_SORTED)
        if len(values) != len(numbers):
            values = pd.Index(sorted(numbers), dtype=STRING)
            places = np.empty(len(numbers) + 1, dtype=np.int32)
            places[[numbers[value] for value in values]] = np.arange(len(numbers))
            places[-1] = -1
            self._sorted[name] = places, values
        return places, values
