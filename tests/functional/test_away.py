"""Pairs that are missing from the input for some nights: remembered, and compared on return."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.report.parquet import read_parquet
from palm.sandbox import Population
from tests.night import DAY, ORGANIZATIONS, write_pairs

AWAY = [(ORGANIZATIONS[at % 3], f"o{at:027}") for at in range(3)]
"""Those who leave: the first three of the input."""


@pytest.fixture
def night(reconcile, gateway, folder):
    """Run a night, so many days after the first; return the changes of those who leave."""

    def night(days, *arguments, gone=False):
        day = gateway.date = DAY + timedelta(days=days)
        source = write_pairs(folder / "pairs.csv", 30)
        if gone:
            lines = source.read_text().splitlines(keepends=True)
            source.write_text("".join([lines[0], *lines[4:]]))
        assert reconcile("-q", *arguments, source=source, run_date=day).code == 0
        rows = read_parquet(Path("report.parquet")).rows
        rows = rows.set_index(["organization_id", "openid"])
        return [rows["change"].get(key) for key in AWAY]

    return night


@pytest.mark.slow
def test_they_are_dropped_once_then_absent_then_compared_with_what_was_last_known(night):
    assert night(0) == ["FIRST_SEEN"] * 3
    assert night(1, gone=True) == ["DROPPED"] * 3
    assert night(2, gone=True) == ["ABSENT"] * 3
    assert night(5, gone=True) == ["ABSENT"] * 3
    back = night(80)
    assert set(back) <= {"UNCHANGED", "OPENED", "REOPENED", "REAUTHORIZED", "CLOSED", "CYCLED",
                         "CLEARED"}  # fmt: skip
    rows = read_parquet(Path("report.parquet")).rows.set_index(["organization_id", "openid"])
    look = Population().state_on
    for (organization, openid), change in zip(AWAY, back, strict=True):
        row = rows.loc[(organization, openid)]
        was, now = (look(openid, organization, DAY + timedelta(days=days)) for days in (0, 80))
        assert (row["previous_state"], row["state"]) == (was.state, now.state)
        if was == now:
            assert change == "UNCHANGED"
        elif was.state != now.state:
            assert change not in {"UNCHANGED", "REAUTHORIZED"}


@pytest.mark.slow
def test_what_is_absent_is_no_part_of_this_nights_counts(night):
    night(0)
    night(1, gone=True)
    night(2, gone=True)
    report = read_parquet(Path("report.parquet"))
    assert len(report.rows) == 30
    assert report.summary.pairs == sum(report.summary.states.values()) == 27
    assert report.rows["state"].value_counts().sum() == 27
    assert report.summary.changes["ABSENT"] == 3


@pytest.mark.slow
def test_they_are_forgotten_after_ninety_days_by_run_date(night):
    night(0)
    assert night(90, gone=True) == ["DROPPED"] * 3
    assert night(91, gone=True) == [None] * 3
    assert night(92) == ["FIRST_SEEN"] * 3


@pytest.mark.slow
def test_the_ninetieth_day_is_still_remembered(night):
    night(0)
    night(1, gone=True)
    assert night(90, gone=True) == ["ABSENT"] * 3
    assert "FIRST_SEEN" not in night(91)


@pytest.mark.slow
def test_forget_after_says_otherwise(night):
    night(0)
    assert night(1, "--forget-after", "2", gone=True) == ["DROPPED"] * 3
    assert night(2, "--forget-after", "2", gone=True) == ["ABSENT"] * 3
    assert night(3, "--forget-after", "2", gone=True) == [None] * 3
    assert night(4) == ["FIRST_SEEN"] * 3


@pytest.mark.slow
def test_with_forget_after_0_they_are_told_as_dropped_and_forgotten(night):
    night(0)
    assert night(1, "--forget-after", "0", gone=True) == ["DROPPED"] * 3
    assert night(2, "--forget-after", "0", gone=True) == [None] * 3
