"""The rows of a report in parts until it is published: a file of the work folder for each part.

Whoever makes a part writes its file, which needs nothing from memory to be read: an open set is
written with its values. So it may be another process, on another machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.partitions.checked_files import SUFFIX, append_table, read_piece, read_table
from jobs.partitions.file_names import partition_name
from jobs.report.chunks import ROWS_PER_CHUNK
from jobs.schema import STRING
from jobs.store.files.filesystem import private_opener
from jobs.store.staging.row_columns import array_of, column_of, is_open_set

__all__ = ["PartStage", "StagedPart", "StagedParts", "write_part_rows"]


@dataclass(frozen=True, slots=True)
class StagedPart:
    """The rows of a part, in a file.

    Attributes:
        path: The file: tables of at most ``ROWS_PER_CHUNK`` rows, one after the other.
        columns: Their names.
        rows: How many there are.
        size: Of the file, in bytes.
    """

    path: Path
    columns: Sequence[str]
    rows: int
    size: int

    def __len__(self) -> int:
        return self.rows

    def check(self) -> None:
        """Check that the file is as it was written.

        Raises:
            OSError: It cannot be read, or is not.
        """
        with self.path.open("rb") as file:
            while file.tell() < self.size:
                read_piece(file)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the rows as they were written, in pieces, at least one.

        Raises:
            OSError: The file cannot be read, or is not as it was written.
        """
        with self.path.open("rb") as file:
            table = read_table(file)
            left = self.rows - len(table)
            yield _frame_of(table)
            while left > 0:
                table = read_table(file)
                left -= len(table)
                yield _frame_of(table)


@dataclass(frozen=True, slots=True)
class StagedParts:
    """The rows of all parts, one part after the other.

    Attributes:
        parts: All of them.
    """

    parts: Sequence[StagedPart]

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the rows."""
        return self.parts[0].columns

    @property
    def count(self) -> int:
        """How many parts there are: a power of two."""
        return len(self.parts)

    def part(self, number: int) -> StagedPart:
        """Return the rows of a part."""
        return self.parts[number]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the rows in pieces, at least one, which is empty only if there are no rows.

        Raises:
            OSError: A file cannot be read.
        """
        filled = [part for part in self.parts if len(part)] or self.parts[:1]
        for part in filled:
            yield from part


class PartStage:
    """Takes the parts of a report, in any order.

    Args:
        folder: An empty folder for their files.
        bits: How many bits of the hash divide the rows.
    """

    def __init__(self, folder: Path, bits: int) -> None:
        self.folder = folder
        self._count = 1 << bits
        self._parts: dict[int, StagedPart] = {}

    def add(self, number: int, rows: pd.DataFrame) -> None:
        """Write the rows of a part to a file, and take it.

        Args:
            number: Of the part; none may be added twice.
            rows: Columns ``ROWS`` and the carried ones.

        Raises:
            OSError: They cannot be written.
        """
        # Of this attempt: a run that was ended twice may still write one, in a thread.
        path = self.folder / f"{partition_name(number)}.{secrets.token_hex(4)}{SUFFIX}"
        self.take(number, write_part_rows(path, rows))

    def take(self, number: int, part: StagedPart) -> None:
        """Take a part whose file is written.

        Args:
            number: Of the part; none may be added twice.
            part: Its rows.
        """
        self._parts[number] = part

    def content(self) -> StagedParts:
        """Return all parts.

        Raises:
            KeyError: One was not added.
        """
        return StagedParts([self._parts[number] for number in range(self._count)])


def write_part_rows(path: Path, rows: pd.DataFrame) -> StagedPart:
    """Write the rows of a part to a new file, which no other user can read.

    Args:
        path: The file.
        rows: Columns ``ROWS`` and the carried ones.

    Raises:
        OSError: They cannot be written.
    """
    table = _table_of(rows)
    with open(path, "wb", opener=private_opener) as file:
        for start in range(0, max(len(table), 1), ROWS_PER_CHUNK):
            append_table(file, table.slice(start, ROWS_PER_CHUNK))
        size = file.tell()
    return StagedPart(path, tuple(table.schema.names), len(table), size)


def _table_of(rows: pd.DataFrame) -> pa.Table:
    names = [str(name) for name in rows.columns]
    arrays = [
        _with_values(rows[name]) if is_open_set(name) else array_of(name, rows) for name in names
    ]
    return pa.Table.from_arrays(arrays, names=names)


def _with_values(column: pd.Series) -> pa.Array:
    """Return an open set as numbers and the values that they stand for."""
    own = column.astype("category").cat
    numbers = own.codes.to_numpy().astype(np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers, mask=numbers < 0),
        pa.array(own.categories.to_numpy(object), pa.large_string()),
    )


def _frame_of(table: pa.Table) -> pd.DataFrame:
    columns = {
        name: _open_set(table[name]) if is_open_set(name) else column_of(name, table[name])
        for name in table.column_names
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)), copy=False)


def _open_set(column: pa.ChunkedArray) -> pd.Categorical:
    """Return numbers and their values as a category whose values are sorted."""
    encoded = column.combine_chunks()
    values = pd.Index(encoded.dictionary.to_pylist(), dtype=STRING)
    order = np.argsort(values.to_numpy(object), kind="stable")
    places = np.full(len(values) + 1, -1)  # the last one: of the missing value, whose number is -1
    places[order] = np.arange(len(values))
    numbers = encoded.indices.fill_null(-1).to_numpy()
    return pd.Categorical.from_codes(places[numbers], values[order])
