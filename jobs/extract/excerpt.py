"""The rows of a report that people's formats list, and counts of all that there are. Pure.

One pass over the report; no more rows are held than a list shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from jobs.report.chunks import ROWS_PER_CHUNK
from jobs.report.model import Report
from jobs.schema import (
    NO_CHANGE,
    ROWS,
    Array,
    Change,
    State,
    UnknownReason,
    carried_columns,
    categories,
    codes,
    concatenated,
)

__all__ = ["AGES", "Excerpt", "Failure", "RowList", "excerpt"]

AGES: Final = ("1", "2-3", "4-7", "> 7")
"""Groups of numbers of runs in a row without a valid answer."""
_AGE_STARTS: Final = (2, 4, 8)
_REASONS: Final = [reason.value for reason in UnknownReason]
_NO_LINE: Final = np.iinfo(np.int64).max


class Failure(NamedTuple):
    """The reason, status and code of missing answers, and the number of pairs."""

    reason: str | None
    http_status: int | None
    error_code: str | None
    pairs: int


@dataclass(frozen=True, slots=True)
class RowList:
    """The first rows of a list, and how many it has.

    Attributes:
        rows: The first rows, in the list's order; of the carried columns only those to be shown.
        counts: All rows of the list by the class that is named where some are left out.
        by: The column that has that class.
    """

    rows: pd.DataFrame
    counts: Mapping[str, int]
    by: str

    def __len__(self) -> int:
        return sum(self.counts.values())

    def beyond(self, shown: int) -> dict[str, int]:
        """Return how many rows of each class follow the first ``shown``; zeros are left out."""
        here = _counts(self.rows.iloc[:shown], self.by)
        left = {name: count - here.get(name, 0) for name, count in self.counts.items()}
        return {name: count for name, count in left.items() if count}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What people's formats take from the rows.

    Attributes:
        changed: Pairs with a change, class by class, each class in the report's order.
        unanswered: Pairs without a valid answer, in the report's order.
        everybody: All pairs, in the report's order; None where that list was not asked for.
        ages: UNKNOWN pairs by the number of runs in a row without a valid answer.
        failures: UNKNOWN pairs by why there is no answer, the most frequent first.
    """

    changed: RowList
    unanswered: RowList
    everybody: RowList | None
    ages: Mapping[str, int]
    failures: Sequence[Failure]


def excerpt(
    report: Report, *, most: int, order: Sequence[Change], everybody: bool = False
) -> Excerpt:
    """Return the rows that lists of a report show, and counts of all of its rows.

    In a report in parts the rows of a list are in the input's order all the same, those that are
    not in the input last.

    Args:
        report: Whole, or some of its rows.
        most: How many rows a list has at most.
        order: The changes in the order in which pairs are listed, so that the last are cut.
        everybody: Whether all pairs are listed, too.
    """
    places = {change.value: rank for rank, change in enumerate(order)}
    ranks = np.array([places[name] for name in categories("change").categories])
    by_line = report.metadata.parts is not None
    changed = _FirstRows("change", most, by_line=by_line, ranks=ranks)
    unanswered = _FirstRows("unknown_reason", most, by_line=by_line)
    people = _FirstRows("change", most, by_line=by_line) if everybody else None
    failures = _Failures()
    hidden = [name for name in carried_columns(report.columns, ROWS) if name not in report.show]
    for chunk in report.chunks():
        rows = chunk.drop(columns=hidden)
        changed.add(rows[~rows["change"].isin(NO_CHANGE).to_numpy(bool)])
        unanswered.add(rows[(rows["change"] == Change.UNKNOWN).to_numpy(bool)])
        if people is not None:
            people.add(rows)
        failures.add(rows[(rows["state"] == State.UNKNOWN).to_numpy(bool)])
    return Excerpt(
        changed.list(),
        unanswered.list(),
        None if people is None else people.list(),
        failures.ages(),
        failures.ranked(),
    )


class _FirstRows:
    """Keeps the rows with which a list begins.

    Args:
        by: The column by whose values all rows are counted.
        most: How many rows are kept.
        by_line: Whether the list is in the order of the input's lines.
        ranks: The rank of each change, by its code: rows of a lower one come first; None: all are
            equal.
    """

    def __init__(
        self,
        by: str,
        most: int,
        *,
        by_line: bool,
        ranks: Array | None = None,
    ) -> None:
        self._by, self._most, self._by_line, self._ranks = by, most, by_line, ranks
        self._kept: list[pd.DataFrame] = []
        self._count = 0
        self._counts: Counter[str] = Counter()

    def add(self, rows: pd.DataFrame) -> None:
        """Take more rows of the list."""
        self._counts.update(_counts(rows, self._by))
        if not len(rows) and self._kept:
            return
        self._kept.append(rows)
        self._count += len(rows)
        if self._count > self._most + ROWS_PER_CHUNK:
            self._cut()

    def list(self) -> RowList:
        """Return the first rows of all that were taken."""
        self._cut()
        names = [*categories(self._by).categories]
        counts = {name: self._counts[name] for name in [*names, ""] if self._counts[name]}
        return RowList(self._kept[0], counts, self._by)

    def _cut(self) -> None:
        rows = concatenated(self._kept)
        keys = [np.arange(len(rows))]
        if self._by_line:
            keys.append(rows["input_line"].to_numpy("int64", na_value=_NO_LINE))
        if self._ranks is not None:
            keys.append(self._ranks[codes(rows, "change")])
        if len(keys) > 1:
            rows = rows.iloc[np.lexsort(keys)]
        self._kept = [rows.iloc[: self._most].reset_index(drop=True)]
        self._count = len(self._kept[0])


class _Failures:
    """Counts UNKNOWN pairs by how long they have had no answer, and by why."""

    def __init__(self) -> None:
        self._ages = np.zeros(len(AGES), dtype=np.int64)
        self._kinds: Counter[tuple[str | None, int | None, str | None]] = Counter()

    def add(self, unknown: pd.DataFrame) -> None:
        runs = unknown["unknown_runs"].to_numpy(dtype="int16", na_value=1)
        places = np.searchsorted(_AGE_STARTS, runs, side="right")
        self._ages += np.bincount(places, minlength=len(AGES))
        by = ["unknown_reason", "http_status", "error_code"]
        counts = unknown.groupby(by, observed=True, dropna=False).size().reset_index()
        told = counts.astype(object).where(counts.notna(), None)
        for reason, status, code, pairs in told.itertuples(index=False, name=None):
            self._kinds[reason, status, code] += pairs

    def ages(self) -> dict[str, int]:
        return dict(zip(AGES, self._ages.tolist(), strict=True))

    def ranked(self) -> list[Failure]:
        """Return the kinds, the most frequent first, then as reasons, status and codes follow."""
        found = [Failure(*kind, pairs) for kind, pairs in self._kinds.items()]
        return sorted(found, key=_rank)


def _rank(failure: Failure) -> tuple[object, ...]:
    reason, status, code, pairs = failure
    return (
        -pairs,
        len(_REASONS) if reason is None else _REASONS.index(reason),
        (status is None, status or 0),
        (code is None, code or ""),
    )


def _counts(rows: pd.DataFrame, by: str) -> dict[str, int]:
    """Return how many rows have each value of a column; those without one are under ``""``."""
    names = [*categories(by).categories, ""]
    counts = np.bincount(codes(rows, by).astype(np.int64) % len(names), minlength=len(names))
    return {name: count for name, count in zip(names, counts.tolist(), strict=True) if count}
