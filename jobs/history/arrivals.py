"""How many of those who arrive are ON within four weeks, by the week of their arrival.

A pair *arrives* when it is answered for the first time (``first_seen_at``) after the first night's
run had ended. It *converts* on the first night that answers ON, or that shows a CYCLED. A week
counts as complete once everybody who arrived in it has been observed for 28 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from jobs.history.night_rows import NightRows
from jobs.history.pair_numbers import grown
from jobs.json_dataclass import JsonDataclass
from jobs.schema import Array, Change

__all__ = ["WINDOW_DAYS", "ArrivalDates", "ArrivalWeek", "Arrivals"]

WINDOW_DAYS: Final = 28
"""Within so many days after its arrival a pair has to be ON to count."""

_NEVER_MS: Final = np.iinfo(np.int64).max
_NEVER_DAY: Final = np.iinfo(np.int32).max
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST, _END = np.datetime64("2000-01-01", "ms"), np.datetime64("2100-01-01", "ms")
_DAYS_A_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class ArrivalWeek(JsonDataclass):
    """Who arrived in one week."""

    monday: date
    """The week's first day."""
    arrived: int
    """How many arrived."""
    converted: int
    """How many of them were ON within 28 days after their arrival."""
    so_far: bool
    """Whether some of them have not been observed for 28 days yet: more may follow."""


@dataclass(frozen=True, slots=True)
class Arrivals(JsonDataclass):
    """Who arrived after the first night."""

    arrived: int
    """How many arrived."""
    converted: int
    """How many of them were ON within 28 days after their arrival."""
    weeks: tuple[ArrivalWeek, ...]
    """The weeks in which somebody arrived, the earliest first."""


class ArrivalDates:
    """Notes of each pair when it was first seen, and when it was first ON.

    Args:
        first_ended: When the first night's run ended.
    """

    def __init__(self, first_ended: datetime) -> None:
        self._after_ms = round(first_ended.timestamp() * 1000)
        self._seen_ms = np.array([], dtype=np.int64)
        self._on_day = np.array([], dtype=np.int32)

    def observe(self, night: NightRows, pairs: int) -> None:
        """Take one more night, later than all before; ``pairs`` is how many have a number."""
        self._seen_ms = grown(self._seen_ms, pairs, _NEVER_MS)
        self._on_day = grown(self._on_day, pairs, _NEVER_DAY)
        seen = np.minimum(self._seen_ms[night.pairs], night.first_seen_ms)
        self._seen_ms[night.pairs] = seen
        converted = night.pairs[night.on | night.changed((Change.CYCLED,))]
        self._on_day[converted] = np.minimum(self._on_day[converted], night.day)

    def arrivals(self, timezone: str, last: date) -> Arrivals:
        """Return what has been seen so far.

        Args:
            timezone: In which a day of arrival is meant.
            last: Run date of the last night.
        """
        times = self._seen_ms.view("datetime64[ms]")
        arrived = np.flatnonzero(
            (self._seen_ms > self._after_ms) & (times >= _FIRST) & (times < _END)
        )
        days = _local_days(times[arrived], _zone(timezone))
        converted = self._on_day[arrived].astype(np.int64) - days <= WINDOW_DAYS
        mondays = days - (days - 1) % _DAYS_A_WEEK  # the ordinal 1 is a Monday
        weeks = []
        for monday in np.unique(mondays).tolist():
            own = mondays == monday
            weeks.append(
                ArrivalWeek(
                    date.fromordinal(monday),
                    int(np.count_nonzero(own)),
                    int(np.count_nonzero(own & converted)),
                    last.toordinal() < monday + _DAYS_A_WEEK - 1 + WINDOW_DAYS,
                )
            )
        return Arrivals(len(arrived), int(np.count_nonzero(converted)), tuple(weeks))


def _local_days(times: Array, zone: ZoneInfo) -> Array:
    """Return the days of times by the clock in a zone, as ordinals."""
    local = pd.DatetimeIndex(times, tz="UTC").tz_convert(zone).tz_localize(None)
    return local.to_numpy("datetime64[D]").astype(np.int64) + _EPOCH


def _zone(name: str) -> ZoneInfo:
    """Return a time zone by its name; UTC where this machine knows none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
