"""A report as people see it: counted by columns, with shown columns or with hashes."""

from __future__ import annotations

import pytest

from jobs.errors import UsageError
from jobs.extract.shown_report import check_columns, shown_report
from jobs.person import Person


@pytest.fixture
def report(after):
    return after({"A/a": "ON", "A/b": "ON"}, {"A/a": "OFF", "A/b": "ON"})


def test_it_is_counted_by_each_column_once(report):
    by = shown_report(report, by=["class", "class"], show=[], person=None).metadata.by
    assert list(by) == ["class"]
    assert {value: (own.pairs, own.lost, own.on_before) for value, own in by["class"].items()} == {
        "k-a": (1, 1, 1), "k-b": (1, 0, 1),
    }  # fmt: skip


def test_without_columns_nothing_is_added(report):
    shown = shown_report(report, by=[], show=[], person=None)
    assert shown.metadata.by is None
    assert shown.rows is report.rows
    assert shown.show == ()


def test_shown_columns_keep_their_order_and_are_there_once(report):
    assert shown_report(report, by=[], show=["class", "b", "class"], person=None).show == (
        "class", "b",
    )  # fmt: skip


def test_with_hashes_no_column_is_shown_and_the_counts_stay(report):
    shown = shown_report(report, by=["class"], show=["class"], person=Person("secret"))
    assert shown.show == ()
    assert "class" not in shown.rows
    assert list(shown.metadata.by["class"]) == ["k-a", "k-b"]
    assert not set(shown.rows["openid"]) & {"a", "b"}


def test_a_column_that_was_not_carried_over_is_refused():
    check_columns(["class"], ["class"])
    with pytest.raises(UsageError, match="the input has no column 'x'"):
        check_columns(["class", "x"], ["class"], "input")
