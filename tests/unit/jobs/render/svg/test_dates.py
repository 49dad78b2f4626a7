"""Dates stand in proportion, and a few of them are named at natural distances."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.render.svg.dates import DateAxis, date_ticks


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        ("2026-11-21", "2026-11-21", ["11-21"]),
        ("2026-11-21", "2026-11-24", ["11-21", "11-22", "11-23", "11-24"]),
        ("2026-11-21", "2026-11-29", ["11-21", "11-23", "11-25", "11-27", "11-29"]),
        ("2026-11-03", "2026-11-30", ["11-09", "11-16", "11-23", "11-30"]),  # Mondays
        ("2026-08-15", "2026-11-20", ["2026-09", "2026-10", "2026-11"]),
        ("2025-12-15", "2027-01-02", ["2026-01", "2026-04", "2026-07", "2026-10", "2027-01"]),
        ("2020-01-01", "2026-01-01", ["2020-01", "2022-01", "2024-01", "2026-01"]),
    ],
)
def test_dates_are_named_at_natural_distances(first, last, named):
    axis = DateAxis(date.fromisoformat(first), date.fromisoformat(last))
    assert [name for _, name in axis.ticks()] == named


def test_a_date_stands_in_proportion_and_a_single_one_in_the_middle():
    axis = DateAxis(date(2026, 11, 1), date(2026, 11, 11))
    assert [axis(date(2026, 11, day)) for day in (1, 6, 11)] == [10, 500, 990]
    assert axis.width == 98
    assert DateAxis(date(2026, 11, 1), date(2026, 11, 1))(date(2026, 11, 1)) == 500


@given(first=st.dates(), days=st.integers(0, 3_000_000), most=st.integers(3, 9))
def test_some_dates_of_any_span_are_named_but_not_too_many(first, days, most):
    last = first + timedelta(days=min(days, (date.max - first).days))
    ticks = date_ticks(first, last, most)
    assert 1 <= len(ticks) <= most
    assert ticks == sorted(set(ticks))
    assert all(first <= tick <= last for tick in ticks)


@pytest.mark.parametrize("days", [1, 2, 9, 400])
@pytest.mark.parametrize("part", [0.2, 0.76, 1.0])
def test_the_bars_of_the_first_and_the_last_date_are_whole(days, part):
    first = date(2026, 1, 1)
    axis = DateAxis(first, first + timedelta(days=days), bars=part)
    half = axis.width * part / 2
    assert axis(first) - half >= -1e-9
    assert axis(axis.last) + half <= 1_000 + 1e-9
    assert axis(axis.last) - axis(first) == pytest.approx(days * axis.width)
    assert axis(first) >= 10
