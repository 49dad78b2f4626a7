"""Frames by partition: what a run reads one after the other, in memory or on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa

from jobs.partitions.checked_files import SUFFIX, DamagedFileError, tables_in
from jobs.partitions.file_names import partition_name
from jobs.schema import concatenated

__all__ = [
    "DerivedFrame",
    "FrameInMemory",
    "FrameOnDisk",
    "PartitionedFrame",
    "derived",
    "frames",
    "whole",
]


class PartitionedFrame(Protocol):
    """Rows divided into ``2**bits`` frames by the hash of their pair."""

    @property
    def bits(self) -> int:
        """How many bits of the hash divide the rows; 0: there is one frame."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns of each frame."""

    def __len__(self) -> int:
        """How many rows there are in all frames."""

    def rows_of(self, number: int) -> int:
        """Return how many rows a partition has."""

    def frame(self, number: int) -> pd.DataFrame:
        """Return the rows of a partition."""


@dataclass(frozen=True, slots=True)
class FrameInMemory:
    """One frame that is not divided.

    Attributes:
        rows: The frame.
    """

    rows: pd.DataFrame

    @property
    def bits(self) -> int:
        """Return 0: there is one partition."""
        return 0

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the frame."""
        return [str(name) for name in self.rows.columns]

    def __len__(self) -> int:
        return len(self.rows)

    def rows_of(self, number: int) -> int:
        """Return how many rows there are.

        Raises:
            IndexError: It is not partition 0.
        """
        return len(self.frame(number))

    def frame(self, number: int) -> pd.DataFrame:
        """Return the frame itself; it must not be changed in place.

        Raises:
            IndexError: It is not partition 0.
        """
        if number != 0:
            raise IndexError(f"there is no partition {number} of a frame in memory")
        return self.rows


@dataclass(frozen=True, slots=True)
class FrameOnDisk:
    """Frames in Arrow files, one a partition, as :class:`PartitionWriter` writes them.

    A partition without rows needs no file.

    Attributes:
        folder: Holds ``part-00000.pieces`` and so on, see :mod:`jobs.partitions.checked_files`.
        counts: How many rows each partition has.
        schema: The columns of the files.
        convert: Makes a frame of a partition's table.
    """

    folder: Path
    counts: Sequence[int]
    schema: pa.Schema
    convert: Callable[[pa.Table], pd.DataFrame]

    @property
    def bits(self) -> int:
        """How many bits of the hash divide the rows."""
        return len(self.counts).bit_length() - 1

    @property
    def columns(self) -> Sequence[str]:
        """The columns of each frame."""
        return [str(name) for name in self.convert(self.schema.empty_table()).columns]

    def __len__(self) -> int:
        return sum(self.counts)

    def rows_of(self, number: int) -> int:
        """Return how many rows a partition has."""
        return self.counts[number]

    def frame(self, number: int) -> pd.DataFrame:
        """Read the rows of a partition.

        Raises:
            OSError: Its file cannot be read, or is not as it was written.
        """
        tables = [self.schema.empty_table(), *self.tables(number)]
        return self.convert(pa.concat_tables(tables))

    def tables(self, number: int) -> Iterator[pa.Table]:
        """Yield the rows of a partition in pieces, as they were written.

        Raises:
            OSError: Its file cannot be read, or is not as it was written.
        """
        left = self.counts[number]
        if not left:
            return
        path = self._path(number)
        for table in tables_in(path):
            left -= len(table)
            yield table
        if left:
            raise DamagedFileError(f"{path} is not as it was written")

    def remove(self, number: int) -> None:
        """Remove the file of a partition, which is not read again."""
        self._path(number).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{partition_name(number)}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class DerivedFrame:
    """Frames that are computed, each time that one is read.

    Attributes:
        bits: How many bits of the hash divide the rows.
        columns: The columns of each frame.
        counts: How many rows each partition has.
        make: Returns the frame of a partition.
    """

    bits: int
    columns: Sequence[str]
    counts: Sequence[int]
    make: Callable[[int], pd.DataFrame]

    def __len__(self) -> int:
        return sum(self.counts)

    def rows_of(self, number: int) -> int:
        """Return how many rows a partition has."""
        return self.counts[number]

    def frame(self, number: int) -> pd.DataFrame:
        """Compute the rows of a partition."""
        return self.make(number)


def derived(
    bits: int,
    columns: Sequence[str],
    make: Callable[[int], pd.DataFrame],
    counts: Sequence[int] | None = None,
) -> PartitionedFrame:
    """Return frames that are computed: one at once, several each time that one is read.

    Args:
        bits: How many bits of the hash divide the rows.
        columns: The columns of each frame.
        make: Returns the frame of a partition.
        counts: How many rows each partition has; None: each is computed to count them.
    """
    if not bits:
        return FrameInMemory(make(0))
    if counts is None:
        counts = [len(make(number)) for number in range(1 << bits)]
    return DerivedFrame(bits, columns, counts, make)


def frames(partitioned: PartitionedFrame) -> Iterator[pd.DataFrame]:
    """Yield the frame of each partition, in the order of their numbers."""
    yield from (partitioned.frame(number) for number in range(1 << partitioned.bits))


def whole(partitioned: PartitionedFrame) -> pd.DataFrame:
    """Return all rows in one frame, partition by partition; it takes the memory of all of them."""
    if not partitioned.bits:
        return partitioned.frame(0)
    return concatenated(list(frames(partitioned)))
