"""The time limit of a run: how it is parsed, and how much time is left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Self
from zoneinfo import ZoneInfo

from jobs.errors import UsageError
from palm.clock import Clock
from palm.text.printable import shown_value

__all__ = [
    "Deadline",
    "TimeLimit",
    "check_run_date",
    "duration_text",
    "parse_deadline",
    "parse_duration",
    "today_in",
]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_LATE: Final = timedelta(hours=12)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which no further pairs are asked about.

    It is compared with the wall clock, which is right also after the machine slept or its clock was
    set.

    Attributes:
        at: The moment, aware, in UTC.
        zone: The time zone in which it is shown.
    """

    at: datetime
    zone: tzinfo

    def seconds_left(self, now: float) -> float:
        """Return the seconds from Unix time ``now`` to the deadline; negative if it has passed."""
        return self.at.timestamp() - now

    def text(self, now: float) -> str:
        """Return it as text: ``06:00 Asia/Shanghai``, with the date if it is not today."""
        local, today = self.at.astimezone(self.zone), datetime.fromtimestamp(now, self.zone)
        shown = f"{local:%H:%M}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M}"
        return f"{shown} {self.zone}"

    def passed_text(self, now: float) -> str:
        """Return the message that the deadline has passed."""
        local = datetime.fromtimestamp(now, self.zone)
        same_day = local.date() == self.at.astimezone(self.zone).date()
        shown = f"{local:%H:%M}" if same_day else f"{local:%Y-%m-%d %H:%M}"
        return f"Deadline {self.text(now)} has passed (it is {shown})"

    def next(self, now: float) -> str:
        """Return the same time of day, next after Unix time ``now``, for ``--deadline``."""
        clock = self.at.astimezone(self.zone).time()
        day = datetime.fromtimestamp(now, self.zone).date()
        while (at := _moment(datetime.combine(day, clock), self.zone)).timestamp() <= now:
            day += _DAY
        return f"{at.astimezone(self.zone):%Y-%m-%dT%H:%M}"


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The time limit of a run; without a deadline and an end there is none.

    Attributes:
        deadline: The deadline of ``--deadline``, or None.
        ends: When ``--max-duration`` ends, on the clock ``elapsed``, or None.
        is_zero: Whether ``--max-duration`` is zero.
    """

    deadline: Deadline | None = None
    ends: float | None = None
    is_zero: bool = False

    @classmethod
    def of_duration(cls, seconds: float, clock: Clock | None = None) -> Self:
        """Return the limit of a run that begins now and may take ``seconds``."""
        return cls(ends=(clock or Clock()).elapsed() + seconds, is_zero=seconds == 0)

    @property
    def is_set(self) -> bool:
        """Whether there is a time limit."""
        return self.deadline is not None or self.ends is not None

    def seconds_left(self, clock: Clock) -> float | None:
        """Return the seconds that are left, at least 0; None if there is no limit."""
        left = []
        if self.ends is not None:
            left.append(self.ends - clock.elapsed())
        if self.deadline is not None:
            left.append(self.deadline.seconds_left(clock.wall()))
        return max(0.0, min(left)) if left else None

    def has_passed(self, clock: Clock) -> bool:
        """Return True if it has passed; an unfinished run can still be published."""
        passed = self.deadline is not None and self.deadline.seconds_left(clock.wall()) <= 0
        return passed or self.is_zero


def parse_duration(text: str, option: str) -> float:
    """Return the seconds of a text such as ``7h``, ``90m``, ``1h30m`` or ``0s``.

    Raises:
        UsageError: The text is not a duration.
    """
    if not _DURATION.fullmatch(text.strip()):
        raise UsageError(f"{option}: {shown_value(text)} is not a duration such as 7h, 90m or 30s")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def today_in(timezone: str, now: datetime) -> date:
    """Return the date in a time zone at the moment ``now``, which is aware."""
    return now.astimezone(ZoneInfo(timezone)).date()


def check_run_date(run_date: date, today: date, timezone: str) -> None:
    """Check that the run date is not in the future, because answers are always those of today.

    Raises:
        UsageError: The run date is after ``today``, the date in ``timezone``.
    """
    if run_date > today:
        raise UsageError(
            f"--run-date {run_date} is after today ({today} in {timezone}): only a sandbox can be "
            "asked on any date",
        )


def parse_deadline(text: str, now: datetime) -> Deadline:
    """Return a deadline, which may have passed.

    A time of day (``06:00``) means the next one, unless it passed within the last 12 hours: then it
    has passed, because the run would otherwise take a whole day. On a day of a clock change, a time
    that occurs twice means the first one, and a time that does not occur means the moment of the
    change.

    Args:
        text: A time of day, or a date and a time (``2026-11-22T06:00``), local.
        now: The time now, aware, in the local time zone.

    Raises:
        UsageError: The text is neither.
    """
    zone = now.tzinfo or UTC
    try:
        if "T" in text or " " in text.strip():
            at = datetime.fromisoformat(text.strip())
            return Deadline(at.astimezone(UTC) if at.tzinfo else _moment(at, zone), zone)
        clock = time.fromisoformat(text.strip()).replace(tzinfo=None)
        days = (now.date() + offset * _DAY for offset in (-1, 0, 1))
        moments = [_moment(datetime.combine(day, clock), zone) for day in days]
    except (ValueError, OverflowError):
        raise UsageError(
            f"--deadline: {shown_value(text)} is not a time such as 06:00 or 2026-11-22T06:00",
        ) from None
    earliest = now.astimezone(UTC) - _LATE
    return Deadline(next(at for at in moments if at >= earliest), zone)


def duration_text(seconds: float) -> str:
    """Return a duration as text, rounded down: ``30 s``, ``15 min``, ``3 h 5 min``."""
    if seconds < 120:  # noqa: PLR2004 - 90 s says more than 1 min
        return f"{int(seconds)} s"
    hours, minutes = divmod(int(seconds) // 60, 60)
    if hours < 2:  # noqa: PLR2004 - likewise
        return f"{60 * hours + minutes} min"
    return f"{hours} h {minutes} min"


def _moment(local: datetime, zone: tzinfo) -> datetime:
    """Return the first moment (UTC) at which a local clock shows this time, or a later one."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:  # the time occurs once or twice
        return first
    shifted = first.astimezone(zone).utcoffset()
    low, high = second, first  # the clock is set forward between the two
    while high - low > _SECOND:
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == shifted:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)
