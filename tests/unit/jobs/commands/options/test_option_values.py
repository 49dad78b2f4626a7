"""The texts of options to their values."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from jobs.commands.options.option_values import parse_run_date


def test_the_run_date_is_todays_in_the_time_zone_given():
    """Between these two it is always another day somewhere within 26 hours."""
    east = parse_run_date(None, ZoneInfo("Pacific/Kiritimati"))
    west = parse_run_date(None, ZoneInfo("Etc/GMT+12"))
    assert 1 <= (east - west).days <= 2
