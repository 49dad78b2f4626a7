"""Counts by the values of a column, and the order in which they are told."""

from __future__ import annotations

from jobs.compare.column_counts import count_by_column, most_changed
from jobs.compare.organizations import OrganizationCounts
from jobs.schema import Change, State


def test_each_value_is_counted_and_a_missing_one_is_the_empty_one(after, nights):
    report = after(
        {"A/a": "ON", "A/b": "ON", "B/c": "OFF", "B/gone": "ON"},
        {"A/a": "OFF", "A/b": "ON", "B/c": "ON", "B/d": "UNKNOWN"},
    )
    rows = report.rows.assign(**{"class": ["x", None, "x", None, "y"]})
    counts = count_by_column([rows], "class", baseline_run_date=nights[0])
    assert list(counts) == ["", "x", "y"]
    told = {
        value: (own.pairs, own.states["ON"], own.lost, own.gained, own.pairs_before, own.on_before)
        for value, own in counts.items()
    }
    assert told == {"": (2, 1, 0, 0, 1, 1), "x": (2, 1, 1, 1, 2, 1), "y": (0, 0, 0, 0, 1, 1)}


def test_without_a_report_before_nobody_was_there(report_of, nights):
    rows = report_of({"A/a": "ON"}, nights[0]).rows
    (own,) = count_by_column([rows], "class", baseline_run_date=None).values()
    assert (own.pairs_before, own.on_before, own.on_after) == (0, 0, 1)


def counts(lost=0, gained=0, pairs=1):
    changes = {Change.REOPENED: gained} if gained else {}
    return OrganizationCounts(pairs, dict.fromkeys(State, 0), changes, lost=lost)


def test_those_that_lost_most_are_first_then_gained_most_then_largest_then_by_name():
    own = {
        "e": counts(),
        "d": counts(),
        "c": counts(pairs=2),
        "b": counts(gained=5),
        "a": counts(lost=1),
        "z": counts(lost=2, gained=1),
        "y": counts(lost=2),
    }
    assert [name for name, _ in most_changed(own)] == ["z", "y", "a", "b", "c", "d", "e"]


def test_a_loss_that_is_not_known_counts_as_none():
    own = {"b": OrganizationCounts(1, dict.fromkeys(State, 0), {}), "a": counts(lost=1)}
    assert [name for name, _ in most_changed(own)] == ["a", "b"]
