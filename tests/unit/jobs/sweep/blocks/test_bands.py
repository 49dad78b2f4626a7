"""Whom to ask first in several partitions: the urgent pairs of all of them come first."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from jobs.partitions.partitioned import FrameInMemory
from jobs.schema import PAIRS, ROWS, conform
from jobs.sweep.answers import Row
from jobs.sweep.blocks.bands import by_urgency, not_asked
from jobs.sweep.blocks.order import order, turns
from jobs.sweep.blocks.outcome_files import OutcomesOnDisk
from jobs.sweep.blocks.outcomes import OutcomesInMemory
from tests.partitioned import split

TODAY = date(2025, 3, 3)
NO_BASELINE = conform(pd.DataFrame(), ROWS)


def keys(count):
    return pd.DataFrame(
        {
            "organization_id": [f"{i % 7}" for i in range(count)],
            "openid": [f"o{i:05}" for i in range(count)],
        }
    )


def pairs_of(count):
    return conform(keys(count).assign(input_line=range(2, count + 2), input_duplicates=0), PAIRS)


def night_before(count, random, days):
    """Return rows of which each tenth was never answered, unknown last time, or changed lately."""
    rows, kind = keys(count), random.integers(0, 10, count)
    midnight = pd.Timestamp(TODAY, tz="UTC")
    answered = midnight - pd.to_timedelta(random.integers(0, days * 24, count), unit="h")
    rows["known_at"] = pd.Series(answered).where(kind != 0)
    rows["state"] = np.where(kind <= 1, "UNKNOWN", "ON")
    rows["unknown_reason"] = np.where(kind <= 1, "TIMEOUT", None)
    rows["last_changed_at"] = pd.Series([midnight - pd.Timedelta(days=1)] * count).where(kind == 2)
    return conform(rows.sample(frac=0.95, random_state=1), ROWS)


def outcomes_of(pairs, folder, rows=()):
    outcomes = OutcomesOnDisk(pairs, folder)
    for number, positions in rows:
        none = -(2**63)
        outcomes.restore(
            number, [Row(at, 0, -1, none, none, 200, 1, None, None) for at in positions]
        )
    return outcomes


def asked(pairs, slices):
    """Return the index of each pair in the order in which slices ask about it."""
    return [
        int(index) for each in slices for index in pairs.frame(each.number).index[each.positions]
    ]


@pytest.mark.parametrize("days", [1, 5, 31, 90, 4_000])
def test_the_order_over_eight_partitions_is_that_of_the_bands(tmp_path, days):
    frame = pairs_of(3_000)
    rows = night_before(3_000, np.random.default_rng(5), days)
    pairs = split(frame, 3)
    outcomes = outcomes_of(pairs, tmp_path)
    slices = list(by_urgency(pairs, split(rows, 3), outcomes, run_date=TODAY))
    found = asked(pairs, slices)
    assert sorted(found) == list(range(3_000))
    turn, age = turns(frame, rows, run_date=TODAY)
    assert (np.diff(turn[found]) >= 0).all()
    assert sorted({int(each) for each in turn}) == [0, 1, 2, 3]
    day = age[found][turn[found] == 3] // 86_400_000
    if days <= 31:
        assert (np.diff(day) >= 0).all()
    else:  # one of 32 bands may hold several days, and no two bands share one
        latest, width = np.maximum.accumulate(day), len(day) / 32
        assert (latest - day).max() < days
        assert (
            np.searchsorted(np.sort(day), latest, side="right") - np.arange(len(day)) < 4 * width
        ).all()
    assert len(slices) <= 8 * (3 + 32)


def test_within_a_band_the_partitions_follow_each_other_in_the_order_of_their_pairs(tmp_path):
    pairs = split(pairs_of(500), 2)
    rows = split(night_before(500, np.random.default_rng(1), 1), 2)
    slices = list(by_urgency(pairs, rows, outcomes_of(pairs, tmp_path), run_date=TODAY))
    assert [each.number for each in slices[:4]] == [0, 1, 2, 3]
    assert all((np.diff(each.positions) > 0).all() for each in slices)


def test_what_has_an_outcome_is_in_no_band(tmp_path):
    frame = pairs_of(400)
    pairs, rows = split(frame, 2), split(night_before(400, np.random.default_rng(2), 5), 2)
    done = [(number, range(0, pairs.rows_of(number), 3)) for number in range(4)]
    outcomes = outcomes_of(pairs, tmp_path, done)
    found = asked(pairs, by_urgency(pairs, rows, outcomes, run_date=TODAY))
    expected = set(range(400)) - {
        int(index) for number, at in done for index in pairs.frame(number).index[list(at)]
    }
    assert sorted(found) == sorted(expected)
    assert sorted(asked(pairs, not_asked(pairs, outcomes))) == sorted(expected)


def test_without_a_baseline_one_partition_follows_the_other(tmp_path):
    pairs = split(pairs_of(100), 3)
    outcomes = outcomes_of(pairs, tmp_path)
    slices = list(by_urgency(pairs, split(NO_BASELINE, 3), outcomes, run_date=TODAY))
    assert [each.number for each in slices] == list(range(8))
    assert [len(each) for each in slices] == [pairs.rows_of(number) for number in range(8)]


def test_a_partition_that_the_baseline_lacks_is_asked_with_those_never_answered(tmp_path):
    pairs = split(pairs_of(200), 2)
    rows = night_before(200, np.random.default_rng(3), 1)
    lacking = split(rows, 2)
    of_others = rows[~rows["openid"].isin(pairs.frame(3)["openid"])]
    slices = list(
        by_urgency(pairs, split(of_others, 2), outcomes_of(pairs, tmp_path), run_date=TODAY)
    )
    assert lacking.rows_of(3) > 0
    assert [each.number for each in slices if len(each) == pairs.rows_of(3)] == [3]
    assert slices[3].number == 3


def test_pairs_in_memory_have_the_exact_order():
    frame, rows = pairs_of(300), night_before(300, np.random.default_rng(4), 20)
    pairs = FrameInMemory(frame)
    (only,) = by_urgency(pairs, FrameInMemory(rows), OutcomesInMemory(pairs), run_date=TODAY)
    assert only.positions.tolist() == order(frame, rows, run_date=TODAY).tolist()


def test_years_of_a_clock_that_was_wrong_are_the_last_days(tmp_path):
    pairs = split(pairs_of(10), 1)
    rows = night_before(10, np.random.default_rng(4), 1)
    rows["known_at"] += pd.Timedelta(days=365 * 200)
    slices = by_urgency(pairs, split(rows, 1), outcomes_of(pairs, tmp_path), run_date=TODAY)
    assert sorted(asked(pairs, slices)) == list(range(10))
