"""All that the controls look at, counted anew from the rows, however many pieces they are in. Pure.

Whether a pair is repeated is found by a hash of 64 bits a row: pairs whose hashes are equal are
compared themselves, in a second pass over the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from jobs.compare.controls.row_kinds import Kinds, RowKind, count_kinds
from jobs.partitions.hashing import partition_numbers
from jobs.schema import Array

__all__ = ["Recount", "RowCounter", "recount"]


@dataclass(frozen=True, slots=True)
class Recount:
    """What the controls look at.

    Attributes:
        rows: How many rows there are.
        kinds: How many of each kind.
        input_duplicates: The sum of the column of that name.
        repeated: Rows with the pair of an earlier row.
        misplaced: Rows that lie in another part than their hash says; None: there are no parts.
    """

    rows: int
    kinds: Kinds
    input_duplicates: int
    repeated: int
    misplaced: int | None = None


class RowCounter:
    """Counts rows piece by piece.

    Args:
        rows: How many there are at most.
        baseline_run_date: Run date of the report compared with; None: there was none.
        bits: Bits of the hash that divide the rows into parts; None: there are no parts.
    """

    def __init__(self, rows: int, baseline_run_date: date | None, bits: int | None = None) -> None:
        self._baseline_run_date, self._bits = baseline_run_date, bits
        self._kinds: Counter[RowKind] = Counter()
        self._hashes = np.empty(rows, dtype=np.int64)
        self._rows = self._duplicates = self._misplaced = 0

    def add(self, rows: pd.DataFrame, part: int = 0) -> None:
        """Count more rows.

        Args:
            rows: Columns ``ROWS``.
            part: The number of the part in which they lie.
        """
        end = self._rows + len(rows)
        self._hashes[self._rows : end] = _hashes(rows)
        self._rows = end
        self._kinds.update(count_kinds(rows, self._baseline_run_date))
        self._duplicates += int(rows["input_duplicates"].sum())
        if self._bits is not None:
            numbers = partition_numbers(rows["organization_id"], rows["openid"], self._bits)
            self._misplaced += int(np.count_nonzero(numbers != part))

    def recount(self, again: Callable[[], Iterable[pd.DataFrame]]) -> Recount:
        """Return the counts of all rows that were added.

        Args:
            again: Returns all of these rows once more, in pieces; called if hashes are equal.
        """
        hashes = self._hashes[: self._rows]
        hashes.sort()
        equal = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        self._hashes = np.empty(0, dtype=np.int64)
        return Recount(
            self._rows,
            dict(self._kinds),
            self._duplicates,
            _repeated(again(), equal) if len(equal) else 0,
            None if self._bits is None else self._misplaced,
        )


def recount(rows: pd.DataFrame, baseline_run_date: date | None) -> Recount:
    """Return what the controls look at, of rows in one frame.

    Args:
        rows: Columns ``ROWS``.
        baseline_run_date: Run date of the report compared with; None: there was none.
    """
    counter = RowCounter(len(rows), baseline_run_date)
    counter.add(rows)
    return counter.recount(lambda: [rows])


def _hashes(rows: pd.DataFrame) -> Array:
    """Return a hash of each pair, equal for equal pairs within this process."""
    organizations = rows["organization_id"].array
    own = np.array([hash(str(name)) for name in organizations.categories] or [0], dtype=np.int64)
    openids = np.fromiter(map(hash, rows["openid"].tolist()), dtype=np.int64, count=len(rows))
    hashes: Array = openids * np.int64(31) ^ own[organizations.codes]
    return hashes


def _repeated(chunks: Iterable[pd.DataFrame], equal: Array) -> int:
    """Return how many rows have the pair of an earlier one, among those with these hashes."""
    found: set[tuple[str, str]] = set()
    count = 0
    for rows in chunks:
        own = rows[["organization_id", "openid"]][np.isin(_hashes(rows), equal)]
        pairs = list(zip(own["organization_id"], own["openid"], strict=True))
        count += len(pairs)
        found.update(pairs)
    return count - len(found)
