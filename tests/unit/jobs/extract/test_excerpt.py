"""The rows that lists show: the first of each class, exact counts, and the report's order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from jobs.extract.excerpt import excerpt
from jobs.render.html.excerpt import LISTED
from jobs.render.numbers import LOSSES_FIRST
from jobs.report.chunks import ChunksInMemory
from jobs.schema import NO_CHANGE, ROWS, Change, conform
from tests.parted import parted

KINDS = [change.value for change in Change]


@pytest.fixture
def report(report_of, nights):
    return report_of({"A/a": "ON"}, nights[0])


def with_rows(report, **columns):
    """Return a report with rows of these values, numbered as in an input."""
    count = len(next(iter(columns.values())))
    rows = pd.DataFrame(
        {
            "organization_id": "A",
            "openid": [f"o{at:027}" for at in range(count)],
            "input_line": range(2, count + 2),
            **columns,
        }
    )
    return replace(report, content=conform(rows, ROWS))


def random_changes(count):
    random = np.random.default_rng(7)
    return random.choice(KINDS, count)


@pytest.mark.parametrize("order", [LOSSES_FIRST, (*LISTED, *NO_CHANGE)])
@pytest.mark.parametrize("most", [1, 40, 300, 10_000])
def test_changed_pairs_are_picked_class_by_class_and_in_the_reports_order(report, order, most):
    changes = random_changes(1_000)
    found = excerpt(with_rows(report, change=changes), most=most, order=order).changed
    expected = [
        (line, change)
        for kind in order
        if kind not in NO_CHANGE
        for line, change in enumerate(changes, start=2)
        if change == kind
    ]
    picked = list(zip(found.rows["input_line"], found.rows["change"], strict=True))
    assert picked == expected[:most]
    assert len(found) == len(expected)


def test_what_does_not_fit_is_counted_by_class(report):
    changes = ["CLOSED"] * 3 + ["OPENED"] * 4 + ["UNCHANGED"] * 5 + ["DROPPED"]
    found = excerpt(with_rows(report, change=changes), most=4, order=LOSSES_FIRST).changed
    assert len(found) == 8
    assert found.beyond(4) == {"OPENED": 3, "DROPPED": 1}
    assert found.beyond(2) == {"CLOSED": 1, "OPENED": 4, "DROPPED": 1}


@pytest.mark.parametrize("most", [3, 200])
def test_pieces_and_parts_give_the_lists_of_one_file(report, monkeypatch, most):
    """However many rows wait before a list is cut."""
    lines = pd.array([*range(2, 802), *[None] * 200], dtype="Int64")
    reasons = np.where(np.arange(1_000) % 2, "TIMEOUT", "REFUSED")
    changes = random_changes(1_000)
    unknown = changes == "UNKNOWN"
    whole = with_rows(
        report,
        change=changes,
        input_line=lines,
        state=np.where(unknown, "UNKNOWN", "ON"),
        unknown_reason=np.where(unknown, reasons, None),
    )
    expected = excerpt(whole, most=most, order=LOSSES_FIRST, everybody=True)
    monkeypatch.setattr("jobs.extract.excerpt.ROWS_PER_CHUNK", 10)
    monkeypatch.setattr("jobs.report.chunks.ROWS_PER_CHUNK", 70)
    pieces = replace(whole, content=ChunksInMemory(whole.rows))
    for other in (pieces, parted(whole, 4)):
        found = excerpt(other, most=most, order=LOSSES_FIRST, everybody=True)
        assert (found.ages, found.failures) == (expected.ages, expected.failures)
        for name in ("changed", "unanswered", "everybody"):
            one, several = getattr(expected, name), getattr(found, name)
            assert several.counts == one.counts
            with_line = one.rows["input_line"].notna().to_numpy()
            pd.testing.assert_frame_equal(
                several.rows[with_line], one.rows[with_line], check_categorical=False
            )


def test_only_carried_columns_to_be_shown_are_held(report):
    rows = with_rows(report, change=["CLOSED"], **{"class": ["1a"], "name": ["x"]})
    found = excerpt(replace(rows, show=("name",)), most=9, order=LOSSES_FIRST)
    assert set(found.changed.rows.columns) == {*ROWS, "name"}


def test_ages_are_counted_of_unknown_pairs_only(report):
    rows = with_rows(
        report,
        change=["UNKNOWN"] * 9,
        state=["UNKNOWN"] * 8 + ["ON"],
        unknown_runs=pd.array([1, 2, 3, 4, 7, 8, 400, pd.NA, 1], dtype="Int16"),
    )
    found = excerpt(rows, most=9, order=LOSSES_FIRST)
    assert found.ages == {"1": 2, "2-3": 2, "4-7": 2, "> 7": 2}


def test_failures_are_counted_the_most_frequent_first(report):
    rows = with_rows(
        report,
        change=["UNKNOWN"] * 6,
        state=["UNKNOWN"] * 6,
        unknown_reason=["REFUSED"] * 3 + ["TIMEOUT"] * 3,
        http_status=pd.array([403, 403, 403, pd.NA, pd.NA, 200], dtype="Int16"),
        error_code=["NO_AUTH", "NO_AUTH", "SIGN", None, None, None],
    )
    assert excerpt(rows, most=9, order=LOSSES_FIRST).failures[:3] == [
        ("TIMEOUT", None, None, 2),
        ("REFUSED", 403, "NO_AUTH", 2),
        ("TIMEOUT", 200, None, 1),
    ]
