"""Durations and deadlines, as people write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.deadline import (
    TimeLimit,
    duration_text,
    parse_deadline,
    parse_duration,
)
from jobs.errors import RunError
from palm import Clock

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
    with pytest.raises(RunError, match=r"--patience: .* is not a duration") as stop:
        parse_duration(text, "--patience")
    assert exit_code_of(stop.value) == 2


@pytest.mark.parametrize(
    ("text", "hours"),
    [("06:00", 7), ("23:30", 0.5), ("2026-11-22T06:00", 7), ("2026-11-22 06:00", 7),
     ("2026-11-21T22:00+00:00", 7), ("10:59", 11.983333)],
)  # fmt: skip
def test_a_deadline_is_the_next_such_time(text, hours):
    left = parse_deadline(text, NIGHT).seconds_left(NIGHT.timestamp())
    assert left == pytest.approx(hours * 3600, abs=1)


@pytest.mark.parametrize(
    ("text", "hours", "shown", "now"),
    [("23:00", 0, "23:00", "23:00"), ("22:59", -1 / 60, "22:59", "23:00"),
     ("11:00", -12, "11:00", "23:00"), ("2026-11-21 06:00", -17, "06:00", "23:00"),
     ("2026-11-20T06:00", -41, "2026-11-20 06:00", "2026-11-21 23:00")],
)  # fmt: skip
def test_a_deadline_that_went_by_has_passed(text, hours, shown, now):
    """A job that cron starts too late must not go on for a day."""
    deadline = parse_deadline(text, NIGHT)
    assert deadline.seconds_left(NIGHT.timestamp()) == pytest.approx(hours * 3600)
    assert deadline.passed_text(NIGHT.timestamp()) == (
        f"Deadline {shown} Asia/Shanghai has passed (it is {now})"
    )


def test_a_deadline_of_the_evening_before_has_passed_after_midnight():
    night = datetime(2026, 11, 22, 0, 30, tzinfo=SHANGHAI)
    deadline = parse_deadline("23:00", night)
    assert deadline.seconds_left(night.timestamp()) == -5_400
    assert deadline.text(night.timestamp()) == "2026-11-21 23:00 Asia/Shanghai"


@pytest.mark.parametrize("text", ["", "soon", "25:00", "6 o'clock", "2026-13-01T06:00", "T"])
def test_what_is_no_time_ends_with_2(text):
    with pytest.raises(RunError, match="is not a time such as 06:00") as stop:
        parse_deadline(text, NIGHT)
    assert exit_code_of(stop.value) == 2


@pytest.mark.parametrize(
    ("zone", "now", "text", "hours"),
    [
        ("Europe/Berlin", "2026-03-28T23:00", "06:00", 6),  # put forward at 02:00
        ("Europe/Berlin", "2026-10-24T23:00", "06:00", 8),  # put back at 03:00
        ("Europe/Berlin", "2026-03-28T23:00", "02:30", 3),  # does not come: 03:00 is next
        ("Europe/Berlin", "2026-10-24T23:00", "02:30", 3.5),  # comes twice: the first
        ("Europe/Berlin", "2026-10-25T01:30", "2026-10-25T04:00", 3.5),
        ("America/New_York", "2026-03-08T01:59", "02:30", 1 / 60),
        ("Australia/Lord_Howe", "2026-10-04T01:00", "02:15", 1),  # put forward by half an hour
        ("Asia/Shanghai", "2026-03-28T23:00", "06:00", 7),
    ],
)
def test_a_deadline_is_right_on_days_on_which_the_clock_changes(zone, now, text, hours):
    local = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(zone))
    left = parse_deadline(text, local).seconds_left(local.timestamp())
    assert left == pytest.approx(hours * 3600, abs=1)


def test_a_deadline_passed_in_the_first_of_two_equal_hours_has_passed_in_the_second():
    berlin = ZoneInfo("Europe/Berlin")
    second = datetime(2026, 10, 25, 2, 15, fold=1, tzinfo=berlin)
    assert parse_deadline("02:30", second).seconds_left(second.timestamp()) == -2_700


@pytest.mark.parametrize(
    ("text", "following"), [("06:00", "2026-11-22T06:00"), ("22:30", "2026-11-22T22:30")]
)
def test_the_next_such_deadline_is_of_the_same_time_of_day(text, following):
    assert parse_deadline(text, NIGHT).next(NIGHT.timestamp()) == following


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119.9, "119 s"), (900, "15 min"), (901, "15 min"), (7_100, "118 min"),
     (11_100, "3 h 5 min")],
)  # fmt: skip
def test_a_duration_is_said_in_a_fitting_unit(seconds, text):
    assert duration_text(seconds) == text


def test_the_time_a_machine_sleeps_counts():
    """The wall clock tells of it for a deadline, and the clock for a duration goes on."""
    now = NIGHT.timestamp()
    wall, elapsed = [now], [0.0]
    clock = Clock(wall=lambda: wall[0], elapsed=lambda: elapsed[0])
    until = TimeLimit(parse_deadline("06:00", NIGHT))
    during = TimeLimit.of_duration(7 * 3600, clock)
    assert until.seconds_left(clock) == during.seconds_left(clock) == 7 * 3600
    wall[0], elapsed[0] = now + 6.5 * 3600, 6.5 * 3600  # the lid was closed
    assert until.seconds_left(clock) == during.seconds_left(clock) == 1800
    wall[0] = now + 7 * 3600 + 1  # somebody set the clock
    assert until.seconds_left(clock) == 0
    assert until.has_passed(clock)
    assert not during.has_passed(clock)


def test_without_a_limit_there_is_as_much_time_as_it_takes():
    assert not TimeLimit().is_set
    assert TimeLimit().seconds_left(Clock()) is None
    assert not TimeLimit().has_passed(Clock())


def test_no_time_at_all_has_passed_and_a_duration_that_ran_out_has_not():
    """The first publishes an unfinished run; the second a report whose pairs were not asked."""
    elapsed = [0.0]
    clock = Clock(elapsed=lambda: elapsed[0])
    none, short = TimeLimit.of_duration(0, clock), TimeLimit.of_duration(1, clock)
    elapsed[0] = 2.0
    assert none.seconds_left(clock) == short.seconds_left(clock) == 0
    assert (none.has_passed(clock), short.has_passed(clock)) == (True, False)
