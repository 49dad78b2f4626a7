"""The axis of dates: where each night stands, and which of them are named. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from jobs.render.svg import WIDTH

__all__ = ["DateAxis", "date_ticks"]

_INSET: Final = 10
"""Units that are left free at both edges, so that a mark at the first or last date is whole."""
_DAY_STEPS: Final = (1, 2)
_WEEK_STEPS: Final = (7, 14)
_MONTH_STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12_000, 120_000)
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class DateAxis:
    """Dates from the left edge of a plot to its right edge.

    Attributes:
        first: The date at the left.
        last: The date at the right; not earlier.
        bars: The part of the way from one night to the next that a bar takes: half a bar is then
            free at both edges.
    """

    first: date
    last: date
    bars: float = 0.0

    @property
    def days(self) -> int:
        """How many days lie between the two."""
        return (self.last - self.first).days

    @property
    def width(self) -> float:
        """How many units there are from one night to the next."""
        return (WIDTH - 2 * self._inset) / max(self.days, 1)

    @property
    def _inset(self) -> float:
        return max(_INSET, WIDTH / 2 * self.bars / (self.days + self.bars)) if self.days else _INSET

    def __call__(self, day: date) -> float:
        """Return how far to the right a date stands, in units; a single date in the middle."""
        if not self.days:
            return WIDTH / 2
        return self._inset + (day - self.first).days * self.width

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """Return the dates to name, each with its position: as month and day, or year and month."""
        named = date_ticks(self.first, self.last, most)
        style = "%Y-%m" if named and _in_months(named) else "%m-%d"
        return [(self(day), f"{day:{style}}") for day in named]


def date_ticks(first: date, last: date, most: int) -> list[date]:
    """Return at most so many dates within a span, at even and natural distances.

    Each day, each second day, Mondays, each second Monday, or the first days of months.
    """
    for step in _DAY_STEPS:
        if (found := list(_every(first, last, step, most))) and len(found) <= most:
            return found
    monday = first + timedelta(days=-first.weekday() % 7)
    for step in _WEEK_STEPS:
        found = list(_every(monday, last, step, most))
        if len(found) <= most:
            return found
    for step in _MONTH_STEPS:
        found = list(_months(first, last, step, most))
        if len(found) <= most:
            return found or [first]
    return [first]


def _every(first: date, last: date, step: int, most: int) -> Iterator[date]:
    """Yield each so many-th day; one more than ``most`` is enough to see that they are too many."""
    count = min((last - first).days // step, most) + 1
    yield from (first + timedelta(days=step * number) for number in range(count))


def _months(first: date, last: date, step: int, most: int) -> Iterator[date]:
    """Yield the first day of each so many-th month of the calendar, likewise."""
    month = first.year * _MONTHS + first.month - 1 + (first.day > 1)
    month += -month % step
    found = 0
    while month // _MONTHS <= last.year and found <= most:
        day = date(month // _MONTHS, month % _MONTHS + 1, 1)
        if day > last:
            return
        yield day
        found += 1
        month += step


def _in_months(named: Sequence[date]) -> bool:
    """Return True if dates are so far apart that the day need not be named."""
    return all(day.day == 1 for day in named) and len({(d.year, d.month) for d in named}) > 1
