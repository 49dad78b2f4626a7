"""Durations and deadlines, as people write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from jobs.exits import Stop
from jobs.timing import parse_deadline, parse_duration

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = datetime(2026, 11, 21, 23, 0, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7h", 25_200), ("90m", 5_400), ("30s", 30), ("1h30m", 5_400), ("0s", 0), ("1.5h", 5_400),
     ("1d", 86_400), (" 5m ", 300), ("1h1m1s", 3_661)],
)  # fmt: skip
def test_a_duration_is_numbers_with_units(text, seconds):
    assert parse_duration(text, "--max-duration") == seconds


@pytest.mark.parametrize(
    "text", ["", "7", "h", "7 h", "-1h", "7x", "1h-2m", "1,5h", "7H", "inf", "1e3s"]
)
def test_what_is_no_duration_ends_with_2_and_names_the_option(text):
    with pytest.raises(Stop, match=r"--patience: .* is not a duration") as stop:
        parse_duration(text, "--patience")
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("text", "hours"),
    [("06:00", 7), ("23:30", 0.5), ("2026-11-22T06:00", 7), ("2026-11-22 06:00", 7),
     ("2026-11-21T22:00+00:00", 7), ("10:59", 11.983333)],
)  # fmt: skip
def test_a_deadline_is_the_next_such_time(text, hours):
    assert parse_deadline(text, NIGHT) == pytest.approx(hours * 3600, abs=1)


@pytest.mark.parametrize(
    "text", ["23:00", "22:59", "11:00", "2026-11-21T06:00", "2020-01-01 06:00"]
)
def test_a_deadline_that_went_by_ends_with_2(text):
    """A job that cron starts too late must not go on for a day."""
    with pytest.raises(Stop, match="is past, it is 23:00 now") as stop:
        parse_deadline(text, NIGHT)
    assert stop.value.code == 2


@pytest.mark.parametrize("text", ["", "soon", "25:00", "6 o'clock", "2026-13-01T06:00", "T"])
def test_what_is_no_time_ends_with_2(text):
    with pytest.raises(Stop, match="is not a time such as 06:00") as stop:
        parse_deadline(text, NIGHT)
    assert stop.value.code == 2
