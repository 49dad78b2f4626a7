"""The rows of a report in pieces, for a report that is not in memory. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import pandas as pd

from jobs.schema import concatenated

__all__ = [
    "ROWS_PER_CHUNK",
    "ChunksInMemory",
    "DerivedChunks",
    "RowChunks",
    "RowParts",
    "regrouped",
]

ROWS_PER_CHUNK: Final = 128 * 1024
"""Rows in a piece of a report and in a row group of its Parquet file, but the last."""


class RowChunks(Protocol):
    """Rows in the report's order, in pieces; each iteration yields all of them anew.

    Each piece has the columns ``ROWS`` and the carried ones. There is at least one, which may be
    empty. The categories of ``organization_id`` and ``error_code`` may differ from piece to piece.
    """

    @property
    def columns(self) -> Sequence[str]:
        """The columns of each piece."""

    def __len__(self) -> int:
        """How many rows there are in all pieces."""

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the pieces.

        Raises:
            OSError: They are in files, and one cannot be read.
            ReportError: They are in files, and one has changed.
        """


@runtime_checkable
class RowParts(RowChunks, Protocol):
    """Rows divided by the hash of their pair into parts, of which each becomes a file."""

    @property
    def count(self) -> int:
        """How many parts there are: a power of two."""

    def part(self, number: int) -> RowChunks:
        """Return the rows of a part; those of all parts, one after the other, are the report's."""


@dataclass(frozen=True, slots=True)
class ChunksInMemory:
    """The rows of one frame, in pieces of ``ROWS_PER_CHUNK`` rows.

    Attributes:
        rows: The frame.
    """

    rows: pd.DataFrame

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the frame."""
        return [str(name) for name in self.rows.columns]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for start in range(0, max(len(self.rows), 1), ROWS_PER_CHUNK):
            yield self.rows.iloc[start : start + ROWS_PER_CHUNK]


@dataclass(frozen=True, slots=True)
class DerivedChunks:
    """Pieces that are computed from others, each time that they are read.

    Attributes:
        source: The other pieces.
        columns: The columns of what is computed.
        rows: How many rows are computed in all.
        make: Returns a new piece for one of ``source``.
    """

    source: RowChunks
    columns: Sequence[str]
    rows: int
    make: Callable[[pd.DataFrame], pd.DataFrame]

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[pd.DataFrame]:
        yield from map(self.make, self.source)


def regrouped(chunks: Iterable[pd.DataFrame], size: int = ROWS_PER_CHUNK) -> Iterator[pd.DataFrame]:
    """Yield the rows of pieces in pieces of exactly ``size`` rows, but the last.

    Args:
        chunks: Of any lengths, at least one.
        size: Rows of each piece that is yielded.
    """
    waiting: list[pd.DataFrame] = []
    count, is_first = 0, True
    for chunk in chunks:
        waiting.append(chunk)
        count += len(chunk)
        while count >= size:
            joined = concatenated(waiting)
            yield joined.iloc[:size]
            count, is_first = count - size, False
            waiting = [joined.iloc[size:]] if count else []
    if count or is_first:
        yield concatenated(waiting)
