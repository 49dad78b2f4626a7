"""Rows on their way into the report: staged partition by partition, read in the report's order.

The report has the pairs of the input in its order. So each partition's rows are cut into files by
ranges of 131,072 input lines; a range is read whole and sorted, which takes much less memory than
merging sorted partitions. Pairs that are not in the input follow, partition by partition.

A report of many files has its rows partition by partition instead, see
:mod:`jobs.store.staging.part_stage`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.freed_memory import release_arrow_memory
from jobs.report.chunks import ROWS_PER_CHUNK
from jobs.schema import Array
from jobs.store.staging.row_files import RowFiles

__all__ = ["RowStage", "StagedRows"]

_LINES_PER_RANGE: Final = ROWS_PER_CHUNK
_ROWS_IN_MEMORY: Final = 2 * ROWS_PER_CHUNK
_NOT_IN_INPUT: Final = "not-in-input"
_RANGE: Final = "lines-"
_LINE: Final = "input_line"
_NO_LINE: Final = 0


class RowStage:
    """Takes the rows of the report partition by partition, and keeps few of them in memory.

    Args:
        folder: An empty folder for its files.
    """

    def __init__(self, folder: Path) -> None:
        self._files = RowFiles(folder)
        self._waiting: list[pa.Table] = []

    def add(self, number: int, rows: pd.DataFrame) -> None:  # noqa: ARG002 - that of PartStage
        """Take the rows of a partition; no partition may be added twice.

        Args:
            number: Of the partition; later calls have greater ones.
            rows: Columns ``ROWS`` and the carried ones, pairs of the input first, in its order.

        Raises:
            OSError: They cannot be written.
        """
        self._waiting.append(self._files.table_of(rows))
        if sum(map(len, self._waiting)) >= _ROWS_IN_MEMORY:
            self._write_ranges()

    def content(self) -> StagedRows:
        """Return all rows that were added, to be read in the order of the report.

        Raises:
            OSError: They cannot be written.
        """
        self._write_ranges()
        names = sorted(name for name in self._files.counts if name != _NOT_IN_INPUT)
        return StagedRows(self._files, [*names, _NOT_IN_INPUT])

    def _write_ranges(self) -> None:
        """Cut the waiting rows into ranges of input lines, and add each range to its file."""
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting).combine_chunks()
        self._waiting.clear()
        lines = _lines_of(table)
        self._append(_NOT_IN_INPUT, table.filter(pa.array(lines == _NO_LINE)))
        order = np.argsort(lines, kind="stable")
        first = int(np.searchsorted(lines[order], 1))
        table, lines = table.take(pa.array(order[first:])), lines[order[first:]]
        ranges = (lines - 1) // _LINES_PER_RANGE
        found = np.unique(ranges, return_index=True, return_counts=True)
        for number, start, count in zip(*(part.tolist() for part in found), strict=True):
            self._append(f"{_RANGE}{number:08}", table.slice(start, count))
        release_arrow_memory()

    def _append(self, name: str, table: pa.Table) -> None:
        for start in range(0, len(table), ROWS_PER_CHUNK):
            self._files.append(name, table.slice(start, ROWS_PER_CHUNK))


@dataclass(frozen=True, slots=True)
class StagedRows:
    """Rows in files, in the order of the names of these.

    Attributes:
        files: The rows.
        names: Of the files.
    """

    files: RowFiles
    names: Sequence[str]

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the rows."""
        return self.files.columns

    def __len__(self) -> int:
        return sum(self.files.counts.get(name, 0) for name in self.names)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the rows in pieces of at most ``ROWS_PER_CHUNK`` rows, at least one piece.

        Raises:
            OSError: A file cannot be read.
        """
        pieces = (piece for name in self.names for piece in self._pieces(name))
        first = next(pieces, self.files.empty_table())
        yield self.files.frame_of(first)
        yield from map(self.files.frame_of, pieces)

    def _pieces(self, name: str) -> Iterator[pa.Table]:
        """Yield the rows of a file: those of a range in one piece, sorted."""
        pieces = self.files.read(name)
        if not name.startswith(_RANGE):
            yield from pieces
            return
        table = pa.concat_tables(pieces).combine_chunks()
        yield table.take(pa.array(np.argsort(_lines_of(table), kind="stable")))


def _lines_of(table: pa.Table) -> Array:
    """Return each row's input line, 0 where it has none."""
    lines: Array = table[_LINE].fill_null(_NO_LINE).to_numpy()
    return lines
