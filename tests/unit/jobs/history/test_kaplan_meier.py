"""The Kaplan-Meier estimate, on examples that are computed by hand."""

from __future__ import annotations

import pytest

from jobs.history.kaplan_meier import Step, kaplan_meier, median


def test_what_is_censored_leaves_after_what_ended_on_the_same_day():
    assert kaplan_meier({2: 1, 5: 2}, {2: 1, 7: 1}) == (
        Step(days=2, at_risk=5, ended=1, left=0.8),
        Step(days=5, at_risk=3, ended=2, left=pytest.approx(0.8 / 3)),
    )


def test_where_nothing_ended_there_is_no_step():
    assert kaplan_meier({}, {3: 4}) == ()
    assert median({}, {3: 4}) is None
    assert kaplan_meier({}, {}) == ()


@pytest.mark.parametrize(
    ("ended", "censored", "days"),
    [
        ({1: 1, 2: 1}, {}, 1),  # exactly half is left
        ({1: 1, 2: 2}, {}, 2),
        ({4: 1}, {4: 1}, 4),
        ({4: 1}, {9: 2}, None),
        ({1: 1, 3: 1}, {1: 1, 9: 1}, 3),  # 3/4, then 3/4 * 1/2
    ],
)
def test_the_median_is_the_first_day_on_which_no_more_than_half_is_left(ended, censored, days):
    assert median(ended, censored) == days
