"""The part of a report that fits on a page: the most important rows and organizations.

Pure and vectorised: a million rows take no longer than the rendering of the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.compare.column_counts import most_changed
from jobs.compare.summary import OrganizationCounts, Summary
from jobs.schema import Change, State, categories, codes

__all__ = [
    "AGES",
    "LISTED",
    "Failure",
    "Organizations",
    "all_organizations",
    "changed_pairs",
    "failures",
    "largest",
    "most_moved",
    "unknown_ages",
]

LISTED: Final = (
    Change.CLOSED,
    Change.CLEARED,
    Change.ANOMALY,
    Change.REAUTHORIZED,
    Change.CYCLED,
    Change.OPENED,
    Change.REOPENED,
    Change.DROPPED,
    Change.FIRST_SEEN,
)
"""Changes in the order in which pairs are selected, so that the least important are cut."""
AGES: Final = ("1", "2-3", "4-7", "> 7")
"""Groups of numbers of runs in a row without a valid answer."""
_AGE_STARTS: Final = (2, 4, 8)


class Failure(NamedTuple):
    """The reason, status and code of missing answers, and the number of pairs."""

    reason: str | None
    http_status: int | None
    error_code: str | None
    pairs: int


class Organizations(NamedTuple):
    """The organizations with the most changes, and the sum of the others."""

    shown: list[tuple[str, OrganizationCounts]]
    others: int
    rest: OrganizationCounts


def changed_pairs(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most ``most`` rows that changed, losses first, each class in the report's order."""
    change, order = codes(rows, "change"), list(categories("change").categories)
    picked: list[npt.NDArray[np.intp]] = []
    left = most
    for kind in LISTED:
        found = np.flatnonzero(change == order.index(kind))[:left]
        picked.append(found)
        left -= len(found)
    return rows.iloc[np.concatenate(picked)]


def unknown_ages(rows: pd.DataFrame) -> dict[str, int]:
    """Return the UNKNOWN pairs by the number of runs in a row without a valid answer."""
    runs = rows["unknown_runs"].to_numpy(dtype="int16", na_value=1)[_unknown(rows)]
    counts = np.bincount(np.searchsorted(_AGE_STARTS, runs, side="right"), minlength=len(AGES))
    return dict(zip(AGES, counts.tolist(), strict=True))


def failures(rows: pd.DataFrame, most: int) -> list[Failure]:
    """Return the reasons of missing answers, the most frequent first."""
    by = ["unknown_reason", "http_status", "error_code"]
    unknown = rows[by].loc[_unknown(rows)]
    # nlargest keeps the order of equal counts, and groupby sorts: equal rows give equal lists.
    counts = unknown.groupby(by, observed=True, dropna=False).size().nlargest(most).reset_index()
    told = counts.astype(object).where(counts.notna(), None)
    return [Failure(*each) for each in told.itertuples(index=False, name=None)]


def most_moved(summary: Summary, most: int) -> Organizations:
    """Return the organizations that lost most, then those that gained most, then the others."""
    return _cut(most_changed(summary.by_organization), most)


def largest(summary: Summary, most: int) -> Organizations:
    """Return the organizations with the most pairs, then by name."""
    by_size = sorted(summary.by_organization.items(), key=lambda own: (-own[1].pairs, own[0]))
    return _cut(by_size, most)


def all_organizations(summary: Summary) -> OrganizationCounts:
    """Return the counts of all organizations together."""
    return _sum(summary.by_organization.values())


def _cut(ranked: list[tuple[str, OrganizationCounts]], most: int) -> Organizations:
    others = [counts for _, counts in ranked[most:]]
    return Organizations(ranked[:most], len(others), _sum(others))


def _unknown(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    unknown = list(categories("state").categories).index(State.UNKNOWN)
    return np.equal(codes(rows, "state"), unknown)


def _sum(counts: Iterable[OrganizationCounts]) -> OrganizationCounts:
    none = OrganizationCounts(0, dict.fromkeys(State, 0), {}, 0, 0, 0, 0)
    return sum(counts, start=none)
