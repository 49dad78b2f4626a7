"""The part of a report that fits on a page: which changes come first, which organizations. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from jobs.compare.column_counts import most_changed
from jobs.compare.summary import OrganizationCounts, Summary
from jobs.schema import Change, State

__all__ = [
    "LISTED",
    "Organizations",
    "all_organizations",
    "largest",
    "most_moved",
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


class Organizations(NamedTuple):
    """The organizations with the most changes, and the sum of the others."""

    shown: list[tuple[str, OrganizationCounts]]
    others: int
    rest: OrganizationCounts


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


def _sum(counts: Iterable[OrganizationCounts]) -> OrganizationCounts:
    none = OrganizationCounts(0, dict.fromkeys(State, 0), {}, 0, 0, 0, 0)
    return sum(counts, start=none)
