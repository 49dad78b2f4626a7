"""When a run must be over, from what the user wrote. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from jobs.exits import Exit, Stop
from palm.printable import shown_value

__all__ = ["check_run_date", "parse_deadline", "parse_duration", "today_in"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_LATE: Final = timedelta(hours=12)


def parse_duration(text: str, option: str) -> float:
    """Return seconds: ``7h``, ``90m``, ``1h30m``, ``0s``.

    Raises:
        Stop: It is none (2).
    """
    if not _DURATION.fullmatch(text.strip()):
        raise Stop(
            Exit.USAGE, f"{option}: {shown_value(text)} is not a duration such as 7h, 90m or 30s"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def today_in(timezone: str, now: datetime) -> date:
    """Return the date that it is in a time zone at ``now``, which is aware."""
    return now.astimezone(ZoneInfo(timezone)).date()


def check_run_date(run_date: date, today: date, timezone: str) -> None:
    """Refuse a run date that is yet to come: what is answered now is not that day's.

    Raises:
        Stop: It is after ``today``, the date in ``timezone`` (2).
    """
    if run_date > today:
        raise Stop(
            Exit.USAGE,
            f"--run-date {run_date} is after today ({today} in {timezone}): only a sandbox can be "
            "asked on any date",
        )


def parse_deadline(text: str, now: datetime) -> float:
    """Return the seconds until a deadline.

    A time of day (``06:00``) is the next one, unless it went by within the last 12 hours: then the
    run has come too late, and would otherwise go on for a day.

    Args:
        text: A time of day, or a date and a time (``2026-11-22T06:00``), local.
        now: Aware, local.

    Raises:
        Stop: It is neither, or is past (2).
    """
    try:
        if "T" in text or " " in text.strip():
            at = datetime.fromisoformat(text.strip())
            at = at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
        else:
            at = datetime.combine(now.date(), time.fromisoformat(text.strip()), now.tzinfo)
            if now - at > _LATE:
                at += timedelta(days=1)
    except ValueError:
        raise Stop(
            Exit.USAGE, f"--deadline: {shown_value(text)} is not a time such as 06:00"
        ) from None
    if at <= now:
        raise Stop(Exit.USAGE, f"--deadline: {at:%Y-%m-%d %H:%M} is past, it is {now:%H:%M} now")
    return (at - now).total_seconds()
