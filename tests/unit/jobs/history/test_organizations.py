"""Each organization over many nights."""

from __future__ import annotations

from datetime import date

import numpy as np

from jobs.history.organizations import OrganizationHistory, OrganizationNight, OrganizationTotals

OF = {"a": 0, "b": 0, "c": 1}


def test_gains_losses_and_nights_are_each_organizations_own(night):
    totals = OrganizationTotals()
    totals.observe(night(1, organizations=OF, a="ON OPENED", b="OFF UNCHANGED"), 1)
    totals.observe(
        night(2, organizations=OF, a="OFF CLOSED", b="ON REOPENED", c="NONE CLEARED ON"), 2
    )
    totals.observe(night(4, organizations=OF, a="- DROPPED", b="OFF CLOSED"), 2)
    first, second = totals.organizations(["A", "B"], np.array([1, 0, 0]))
    assert first == OrganizationHistory(
        "A", gained=2, lost=2, never_back=2,
        nights=(
            OrganizationNight(date.fromordinal(1), pairs=2, on=1),
            OrganizationNight(date.fromordinal(2), pairs=2, on=1),
            OrganizationNight(date.fromordinal(4), pairs=1, on=0),
        ),
    )  # fmt: skip
    assert second == OrganizationHistory(
        "B", 0, 1, 1, (OrganizationNight(date.fromordinal(2), pairs=1, on=0),)
    )


def test_those_that_lost_most_are_first_then_those_that_gained_most_then_by_name(night):
    totals = OrganizationTotals()
    of = {"a": 0, "b": 1, "c": 2, "d": 3}
    totals.observe(
        night(1, organizations=of, a="OFF UNCHANGED", b="ON OPENED", c="OFF CLOSED",
              d="OFF UNCHANGED"), 4,
    )  # fmt: skip
    found = totals.organizations(["Z", "Y", "X", "A"], np.array([], dtype=np.int64))
    assert [each.organization_id for each in found] == ["X", "Y", "A", "Z"]
