"""Rows chosen from a report: in memory where they fit, else in pieces. Pure."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from jobs.partitions.choice import MOST_IN_MEMORY
from jobs.report.chunks import DerivedChunks, RowChunks
from jobs.report.model import Report
from jobs.schema import Array, concatenated

__all__ = ["chosen_rows"]


def chosen_rows(
    report: Report, choose: Callable[[pd.DataFrame], Array]
) -> pd.DataFrame | RowChunks:
    """Return some rows of a report, in its order; more than a million are chosen as they are read.

    Args:
        report: In memory, or in pieces.
        choose: Returns for each of some rows whether it is wanted.
    """

    def make(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[choose(rows)].reset_index(drop=True)

    if report.is_in_memory:
        return make(report.rows)
    kept: list[pd.DataFrame] = []
    count = 0
    for chunk in report.chunks():
        rows = make(chunk)
        count += len(rows)
        if count <= MOST_IN_MEMORY:
            kept.append(rows)
        else:
            kept.clear()
    if count <= MOST_IN_MEMORY:
        return concatenated(kept)
    return DerivedChunks(report.row_chunks, report.columns, count, make)
