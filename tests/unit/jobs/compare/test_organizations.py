"""The counts of each organization of a small report."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pandas as pd
import pytest

from jobs.compare.organizations import OrganizationCounts
from jobs.compare.summary import summarize
from jobs.schema import ROWS, conform

LAST = dt.date(2026, 11, 1)
EARLIER = dt.date(2026, 10, 20)

REPORT = [
    ("A", "p1", "ON", "ON", "UNCHANGED", LAST),
    ("A", "p2", "OFF", "ON", "CLOSED", LAST),
    ("A", "p3", "NONE", "ON", "CLEARED", LAST),
    ("A", "p4", "NONE", "OFF", "CLEARED", LAST),
    ("A", "p5", "ON", "NONE", "OPENED", LAST),
    ("B", "p6", "ON", "OFF", "REOPENED", EARLIER),
    ("B", "p7", "UNKNOWN", "ON", "UNKNOWN", LAST),
    ("B", "p8", "OFF", "ON", "CLOSED", EARLIER),
    ("B", "p9", "ON", None, "FIRST_SEEN", None),
    ("C", "p10", None, "ON", "DROPPED", LAST),
    ("C", "p11", None, None, "DROPPED", LAST),
    ("D", "p12", None, "ON", "ABSENT", EARLIER),
]


@pytest.fixture
def summary(rows_of):
    return summarize(rows_of(REPORT), baseline_run_date=LAST)


def test_organizations_of_the_input_and_of_dropped_pairs_are_listed(summary):
    """D holds nothing but an ABSENT pair."""
    assert list(summary.by_organization) == ["A", "B", "C"]
    assert summary.by_organization["A"] == OrganizationCounts(
        pairs=5,
        states={"ON": 2, "OFF": 1, "NONE": 2, "UNKNOWN": 0},
        changes={"OPENED": 1, "CLOSED": 1, "CLEARED": 2, "UNCHANGED": 1},
        lost=2,
        pairs_before=5,
        on_before=3,
        on_after=2,
    )
    assert summary.by_organization["C"].pairs == 0
    assert summary.by_organization["C"].changes == {"DROPPED": 2}


def test_a_clearing_is_lost_only_from_on(summary):
    assert summary.by_organization["A"].changes["CLEARED"] == 2
    assert summary.by_organization["A"].lost == 2


def test_what_was_gained_and_lost_is_the_whole_reports(summary):
    own = summary.by_organization.values()
    assert sum(counts.gained for counts in own) == summary.gain == 2
    assert sum(counts.lost for counts in own) == summary.loss == 3
    assert [counts.net for counts in own] == [-1, 0, 0]


def test_before_and_after_are_opening_and_closing_of_the_roll_forward(summary):
    """A returned pair was not in the last input; an unknown one is known as before."""
    own = summary.by_organization.values()
    assert sum(counts.on_before for counts in own) == summary.roll_forward["ON"].opening == 5
    assert sum(counts.on_after for counts in own) == summary.roll_forward["ON"].closing == 5
    assert [counts.pairs_before for counts in own] == [5, 1, 2]


def test_the_first_report_has_nothing_before(summary):
    rows = conform(
        pd.DataFrame({"organization_id": ["A"], "state": ["ON"], "change": ["FIRST_SEEN"]}), ROWS
    )
    own = summarize(rows, baseline_run_date=None).by_organization["A"]
    assert (own.pairs_before, own.on_before, own.lost) == (0, 0, 0)


def test_counts_of_an_earlier_version_are_read_and_add_up_to_unknown(summary):
    own = summary.by_organization["A"]
    later = ("lost", "pairs_before", "on_before", "on_after")
    written = json.loads(json.dumps(own.to_json()))
    assert OrganizationCounts.from_json(written) == own
    before = OrganizationCounts.from_json({k: v for k, v in written.items() if k not in later})
    assert before == replace(own, **dict.fromkeys(later))
    assert before.to_json().keys() == {"pairs", "states", "changes"}
    assert (before + own).lost is (own + before).lost is before.net is None
    assert (before + own).gained == 2 * own.gained
