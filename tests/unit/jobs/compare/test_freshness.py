"""How much is known, and how old it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from jobs.compare.freshness import freshness
from jobs.schema import ROWS, conform

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)


def rows(*known):
    """Return rows from (state, age of what is known in days; None: never)."""
    states = [state for state, _ in known]
    times = [None if age is None else NOW - timedelta(days=age) for _, age in known]
    return conform(pd.DataFrame({"state": states, "known_at": times}), ROWS)


@pytest.mark.parametrize(
    ("age", "group"),
    [
        (0, "under_1_day"), (0.999, "under_1_day"), (1, "under_2_days"), (1.999, "under_2_days"),
        (2, "under_4_days"), (3.999, "under_4_days"), (4, "under_8_days"), (7.999, "under_8_days"),
        (8, "older"), (400, "older"), (None, "never"), (-0.001, "under_1_day"),
    ],
)  # fmt: skip
def test_each_age_has_its_group(age, group):
    ages = freshness(rows(("UNKNOWN", age)), NOW).age
    assert {name: count for name, count in ages.items() if count} == {group: 1}


def test_pairs_that_are_not_in_the_input_do_not_count():
    found = freshness(rows(("ON", 0), ("UNKNOWN", 3), (None, 5), ("OFF", 0)), NOW)
    assert found.coverage == pytest.approx(2 / 3, abs=1e-6)
    assert sum(found.age.values()) == 3


def test_where_there_is_nothing_nothing_is_known():
    found = freshness(conform(pd.DataFrame(), ROWS), NOW)
    assert found.coverage == 0
    assert set(found.age.values()) == {0}
