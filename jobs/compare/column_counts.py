"""Counts by the values of a column of the input: by class, by grade, by canteen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from jobs.compare.organizations import OrganizationCounts, count_organizations
from jobs.schema import codes

__all__ = ["count_by_column", "most_changed"]

_COUNTED = ("state", "known_state", "previous_state", "change")


def count_by_column(
    chunks: Iterable[pd.DataFrame], column: str, *, baseline_run_date: date | None
) -> dict[str, OrganizationCounts]:
    """Return the counts of the rows with each value of a column, by the value.

    A row without a value is counted under the empty one.

    Args:
        chunks: The rows in pieces: columns ``ROWS`` and the carried ones.
        column: A column carried over from the input.
        baseline_run_date: Run date of the report compared with; None if there was none.
    """
    counts: dict[str, OrganizationCounts] = {}
    for rows in chunks:
        values = pd.Categorical(rows[column].astype("object").where(rows[column].notna(), ""))
        was_here = rows["last_in_input"].to_numpy("datetime64[ms]") == np.datetime64(
            baseline_run_date, "ms"
        )
        counted = {name: codes(rows, name) for name in _COUNTED}
        for value, own in count_organizations(values, counted, was_here, with_absent=True).items():
            counts[value] = counts[value] + own if value in counts else own
    return {value: counts[value] for value in sorted(counts) if counts[value].is_listed}


def most_changed(
    counts: Mapping[str, OrganizationCounts],
) -> list[tuple[str, OrganizationCounts]]:
    """Return values and counts, those that lost most first, then those that gained most."""
    return sorted(
        counts.items(),
        key=lambda each: (-(each[1].lost or 0), -each[1].gained, -each[1].pairs, each[0]),
    )
