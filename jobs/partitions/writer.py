"""Divides rows into partitions and writes each to a file of its own, as the rows come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from jobs.freed_memory import release_arrow_memory
from jobs.partitions.checked_files import SUFFIX, append_table
from jobs.partitions.file_names import partition_name
from jobs.partitions.partitioned import FrameOnDisk

__all__ = ["Opener", "PartitionWriter"]

_BUFFERED: Final = 1 << 17
_BUFFERED_EACH: Final = 1 << 10
"""Rows that are held in memory before they are written: in all, or for each partition."""
_BUFFERED_BYTES: Final = 1 << 26
"""Fewer rows are held where they take more than this."""
Opener: TypeAlias = Callable[[str, int], int]


class PartitionWriter:
    """Writes rows to files, one a partition, each of which :class:`FrameOnDisk` reads.

    A partition's rows keep the order in which they came. One file is open at a time, however many
    partitions there are. Memory is that of 131,072 rows, or of 1,024 a partition where that is
    more, or of 64 MiB where that is less.

    Args:
        folder: An existing folder; files that are in it are replaced.
        bits: Bits of the hash that divide the rows.
        schema: Of the tables; columns of categories are written as texts.
        opener: Opens each file, as that of :func:`open` does; None: with the usual mode.
    """

    def __init__(
        self, folder: Path, bits: int, schema: pa.Schema, opener: Opener | None = None
    ) -> None:
        self._folder, self._opener = folder, opener
        self._schema = pa.schema([field.with_type(_plain(field.type)) for field in schema])
        self._waiting: list[tuple[pa.Table, npt.NDArray[np.int32]]] = []
        self._rows = self._bytes = 0
        self._counts = np.zeros(1 << bits, dtype=np.int64)
        self._most = max(_BUFFERED, _BUFFERED_EACH << bits)

    def write(self, table: pa.Table, numbers: npt.NDArray[np.int32]) -> None:
        """Take rows.

        Args:
            table: Of the writer's schema.
            numbers: The partition of each row.

        Raises:
            OSError: They cannot be written.
        """
        if not len(table):
            return
        plain = table.cast(self._schema)
        self._waiting.append((plain, numbers))
        self._rows += len(plain)
        self._bytes += plain.nbytes
        if self._rows >= self._most or self._bytes >= _BUFFERED_BYTES:
            self._flush()

    def write_partition(self, number: int, table: pa.Table) -> None:
        """Write rows of one partition at once.

        Args:
            number: Of the partition.
            table: Of the writer's schema.

        Raises:
            OSError: They cannot be written.
        """
        if len(table):
            self._append(number, table.cast(self._schema))
            self._counts[number] += len(table)

    def close(self, convert: Callable[[pa.Table], pd.DataFrame]) -> FrameOnDisk:
        """Write what is left, and return the partitions.

        Args:
            convert: Makes a frame of a partition's table.

        Raises:
            OSError: It cannot be written.
        """
        self._flush()
        counts: Sequence[int] = self._counts.tolist()
        return FrameOnDisk(self._folder, counts, self._schema, convert)

    def _flush(self) -> None:
        """Append the rows that wait to the files of their partitions."""
        if not self._waiting:
            return
        tables, numbers = zip(*self._waiting, strict=True)
        self._waiting, self._rows, self._bytes = [], 0, 0
        joined = np.concatenate(numbers)
        order = np.argsort(joined, kind="stable")
        rows = pa.concat_tables(tables).take(pa.array(order))
        here = np.bincount(joined, minlength=len(self._counts))
        ends = np.cumsum(here)
        for number in np.flatnonzero(here).tolist():
            part = rows.slice(ends[number] - here[number], here[number])
            self._append(number, part)
        self._counts += here
        del rows, tables
        release_arrow_memory()

    def _append(self, number: int, rows: pa.Table) -> None:
        path = self._folder / f"{partition_name(number)}{SUFFIX}"
        mode = "ab" if self._counts[number] else "wb"
        with open(path, mode, opener=self._opener) as file:
            append_table(file, rows.combine_chunks())


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of a dictionary's values: each piece would have a dictionary of its own."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
