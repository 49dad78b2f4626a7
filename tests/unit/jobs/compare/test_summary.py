"""Counts drawn from a small report, each told by hand."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import pytest

from jobs.compare.summary import RollForward, Summary, summarize
from jobs.schema import ROWS, Change, conform

LAST = dt.date(2026, 11, 1)
EARLIER = dt.date(2026, 10, 20)

REPORT = [
    ("A", "p1", "ON", "ON", "UNCHANGED", LAST),
    ("A", "p2", "OFF", "ON", "CLOSED", LAST),
    ("A", "p3", "NONE", "ON", "CLEARED", LAST),
    ("A", "p4", "NONE", "OFF", "CLEARED", LAST),
    ("A", "p5", "ON", "NONE", "OPENED", LAST),
    ("B", "p6", "ON", "OFF", "REOPENED", EARLIER),
    ("B", "p7", "ON", "ON", "REAUTHORIZED", LAST),
    ("B", "p8", "OFF", "NONE", "CYCLED", LAST),
    ("B", "p9", "UNKNOWN", "ON", "UNKNOWN", EARLIER),
    ("B", "p10", "UNKNOWN", None, "UNKNOWN", None),
    ("B", "p11", "NONE", None, "FIRST_SEEN", None),
    ("C", "p12", None, "ON", "DROPPED", LAST),
    ("C", "p13", None, None, "DROPPED", LAST),
    ("D", "p14", None, "OFF", "ABSENT", EARLIER),
]


@pytest.fixture
def rows(rows_of):
    return rows_of(REPORT)


@pytest.fixture
def summary(rows):
    return summarize(rows, baseline_run_date=LAST)


def test_states_are_this_inputs_and_known_states_fill_the_unknown(summary):
    assert summary.pairs == 11
    assert summary.states == {"ON": 4, "OFF": 2, "NONE": 3, "UNKNOWN": 2}
    assert summary.known == {"ON": 5, "OFF": 2, "NONE": 3, "never": 1}


def test_every_change_is_counted_zeros_too(summary):
    expected = dict.fromkeys(Change, 1) | {"CLEARED": 2, "UNKNOWN": 2, "DROPPED": 2, "ANOMALY": 0}
    assert summary.changes == expected
    assert sum(summary.changes.values()) == len(REPORT)


def test_a_clearing_is_a_loss_only_from_on(summary):
    assert summary.gain == 2
    assert summary.loss == 2
    assert summary.hidden == 2


def test_unknowns_are_counted_by_reason(summary):
    assert summary.unknown_reasons == {"TIMEOUT": 2}


def test_transitions_tell_each_row_by_before_and_now(summary):
    none = dict.fromkeys(["ON", "OFF", "NONE", "UNKNOWN", "not_in_input"], 0)
    expected = {
        "ON": none | {"ON": 2, "OFF": 1, "NONE": 1, "UNKNOWN": 1, "not_in_input": 1},
        "OFF": none | {"ON": 1, "NONE": 1, "not_in_input": 1},
        "NONE": none | {"ON": 1, "OFF": 1},
        "never": none | {"NONE": 1, "UNKNOWN": 1, "not_in_input": 1},
    }
    assert summary.transitions == expected
    expected["OFF"] = none | {"ON": 1, "NONE": 1}
    assert summary.transitions_without_absent == expected


def test_roll_forward_leads_from_the_last_report_to_this_one(summary):
    assert summary.roll_forward == {
        "ON": RollForward(
            opening=5, first_seen=0, returned=1, moved_in=2, moved_out=2, dropped=1, closing=5
        ),
        "OFF": RollForward(
            opening=1, first_seen=0, returned=1, moved_in=2, moved_out=2, dropped=0, closing=2
        ),
        "NONE": RollForward(
            opening=2, first_seen=1, returned=0, moved_in=2, moved_out=2, dropped=0, closing=3
        ),
    }


def test_a_summary_survives_json(summary):
    assert Summary.from_json(json.loads(json.dumps(summary.to_json()))) == summary


def test_an_empty_report_counts_nothing():
    summary = summarize(conform(pd.DataFrame(), ROWS), baseline_run_date=None)
    assert summary.pairs == 0
    assert set(summary.states.values()) == set(summary.changes.values()) == {0}
    assert summary.by_organization == {}
    assert summary.roll_forward["ON"] == RollForward(0, 0, 0, 0, 0, 0, 0)


def test_the_order_of_categories_in_a_file_does_not_matter(rows, summary):
    shuffled = rows.assign(
        change=rows["change"].cat.set_categories(sorted(Change)),
        state=rows["state"].cat.remove_unused_categories(),
        organization_id=rows["organization_id"].cat.set_categories(["X", "D", "C", "B", "A"]),
    )
    assert summarize(shuffled, baseline_run_date=LAST) == summary
