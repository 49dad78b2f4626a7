"""The rows counted by all that the controls look at, in one pass. Pure.

A report has few kinds of rows, however many rows it has, so that what follows is arithmetic on a
short list. Arrow does the counting, where :mod:`jobs.compare.summary` counts codes with numpy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.freed_memory import release_arrow_memory
from jobs.schema import Change, State

__all__ = ["Kinds", "RowKind", "count_by", "count_kinds", "count_where", "of_everybody"]

_VALUES: Final = ("previous_state", "state", "known_state", "change", "unknown_reason")


class RowKind(NamedTuple):
    """What rows of one kind have in common."""

    organization_id: str | None
    previous_state: str | None
    state: str | None
    known_state: str | None
    change: str | None
    unknown_reason: str | None
    in_input: bool
    """Whether the row has a line of the input."""
    was_here: bool
    """Whether the pair was in the input of the report compared with."""

    @property
    def is_here(self) -> bool:
        """Whether the pair has a state in this run, as each pair of the input has."""
        return self.state is not None

    @property
    def is_dropped(self) -> bool:
        """Whether the pair has left the input since the last report."""
        return self.change == Change.DROPPED

    @property
    def was_counted(self) -> bool:
        """Whether the pair was in the input of the report compared with, as this report knows."""
        return self.is_dropped or (self.is_here and self.was_here)

    @property
    def was_on(self) -> bool:
        """Whether the pair was last known to be ON before this run."""
        return self.previous_state == State.ON


Kinds: TypeAlias = Mapping[RowKind, int]
"""How many rows there are of each kind."""


def count_kinds(rows: pd.DataFrame, baseline_run_date: date | None) -> Kinds:
    """Return how many rows there are of each kind.

    Args:
        rows: Columns ``ROWS``.
        baseline_run_date: Run date of the report compared with; None: there was none.
    """
    was_here = rows["last_in_input"].to_numpy() == np.datetime64(baseline_run_date, "ms")
    table = pa.table(
        {
            **{name: pa.array(rows[name].array) for name in ("organization_id", *_VALUES)},
            "in_input": pa.array(rows["input_line"].notna().to_numpy()),
            "was_here": pa.array(was_here),
        }
    )
    counts = table.group_by(table.column_names).aggregate([([], "count_all")])
    columns = [counts[name].to_pylist() for name in (*RowKind._fields, "count_all")]
    del table, counts
    release_arrow_memory()
    return {RowKind(*kind): count for *kind, count in zip(*columns, strict=True)}


def of_everybody(kinds: Kinds) -> Kinds:
    """Return the kinds without regard to the organization."""
    merged: Counter[RowKind] = Counter()
    for kind, count in kinds.items():
        merged[kind._replace(organization_id=None)] += count
    return merged


def count_where(kinds: Kinds, belongs: Callable[[RowKind], bool]) -> int:
    """Return how many rows are of a kind that ``belongs``."""
    return sum(count for kind, count in kinds.items() if belongs(kind))


def count_by(kinds: Iterable[tuple[RowKind, int]], *parts: str) -> Counter[tuple[str | None, ...]]:
    """Return how many rows have each combination of the values of these attributes."""
    places = [RowKind._fields.index(part) for part in parts]
    counts: Counter[tuple[str | None, ...]] = Counter()
    for kind, count in kinds:
        counts[tuple(kind[place] for place in places)] += count  # type: ignore[misc] # all are text
    return counts
