"""Who arrives after the first night, and who of them is ON within 28 days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.history.arrivals import ArrivalDates, ArrivalWeek

ENDED = datetime(2026, 11, 2, 18, 2, tzinfo=UTC)
"""When the first night's run ended: 02:02 on Tuesday the 3rd in Shanghai."""
MONDAY = date(2026, 11, 2)


def ms(moment):
    return round(moment.timestamp() * 1000)


@pytest.fixture
def arrivals(night):
    """Return a function: the arrivals of one pair, seen at a time, ON or CYCLED on a day."""

    def arrivals(seen, *, on=None, told="ON OPENED", last=date(2027, 1, 31), zone="Asia/Shanghai"):
        dates = ArrivalDates(ENDED)
        dates.observe(night(MONDAY.toordinal(), b="OFF FIRST_SEEN"), 2)
        first = night(MONDAY.toordinal() + 1, a="NONE FIRST_SEEN", first_seen_ms={"a": ms(seen)})
        dates.observe(first, 2)
        if on is not None:
            dates.observe(night(on.toordinal(), a=told), 2)
        return dates.arrivals(zone, last)

    return arrivals


def test_who_was_seen_by_the_first_night_has_not_arrived(arrivals):
    assert arrivals(ENDED).arrived == 0
    assert arrivals(ENDED + timedelta(milliseconds=1)).arrived == 1


def test_the_day_is_that_of_the_zone(arrivals):
    """Sunday the 8th at 17:00 UTC is Monday in Shanghai."""
    seen = datetime(2026, 11, 8, 17, tzinfo=UTC)
    assert [week.monday for week in arrivals(seen).weeks] == [date(2026, 11, 9)]
    assert [week.monday for week in arrivals(seen, zone="UTC").weeks] == [MONDAY]
    assert [week.monday for week in arrivals(seen, zone="No/Where").weeks] == [MONDAY]


@pytest.mark.parametrize(("days", "converted"), [(0, 1), (28, 1), (29, 0)])
@pytest.mark.parametrize("told", ["ON OPENED", "OFF CYCLED"])
def test_who_is_on_or_cycles_within_28_days_has_converted(arrivals, days, converted, told):
    seen = datetime(2026, 11, 4, 3, tzinfo=UTC)
    found = arrivals(seen, on=date(2026, 11, 4) + timedelta(days=days), told=told)
    assert (found.arrived, found.converted) == (1, converted)
    assert found.weeks == (ArrivalWeek(MONDAY, 1, converted, so_far=False),)


def test_a_later_on_does_not_undo_an_early_one(arrivals, night):
    dates = ArrivalDates(ENDED)
    seen = {"a": ms(datetime(2026, 11, 4, 3, tzinfo=UTC))}
    for day in (4, 60):
        dates.observe(night(MONDAY.toordinal() + day, a="ON OPENED", first_seen_ms=seen), 1)
    assert dates.arrivals("UTC", date(2027, 1, 31)).converted == 1


@pytest.mark.parametrize(
    ("last", "so_far"), [(date(2026, 12, 5), True), (date(2026, 12, 6), False)]
)
def test_a_week_is_complete_28_days_after_its_sunday(arrivals, last, so_far):
    (week,) = arrivals(datetime(2026, 11, 4, 3, tzinfo=UTC), last=last).weeks
    assert week.so_far is so_far
