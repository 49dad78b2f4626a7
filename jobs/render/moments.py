"""Times and dates as text and as numbers, whatever they are: no time ends the writing of a report.

Within 2000 to 2100 a time is shown by the clock on the wall of the run's time zone. What lies
outside is no time at all (Go's zero time, a damaged report) and is shown as text, in UTC: Python
and pandas know neither time zones nor calendars beyond the years 1 to 9999.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from jobs.schema import Array

__all__ = ["days", "moment_text", "texts", "zone_of"]

_FIRST, _END = np.datetime64("2000-01-01", "ms"), np.datetime64("2100-01-01", "ms")
_DAY_ZERO: Final = np.datetime64("1899-12-30", "ms")
_DAY: Final = np.timedelta64(1, "D")


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name; UTC where this machine knows none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def days(column: pd.Series, zone: ZoneInfo) -> list[float | str | None]:
    """Return times as the days that Excel counts, None where missing; text where outside."""
    local, usual = _local(column, zone)
    cells = np.full(len(column), None, dtype=object)
    cells[usual] = (local[usual] - _DAY_ZERO) / _DAY
    filled: list[float | str | None] = _with_odd(cells, column, usual).tolist()
    return filled


def texts(column: pd.Series, zone: ZoneInfo) -> list[str]:
    """Return times as text to the second, empty where missing."""
    local, usual = _local(column, zone)
    cells = np.full(len(column), "", dtype=object)
    cells[usual] = _text(local[usual], "s")
    filled: list[str] = _with_odd(cells, column, usual).tolist()
    return filled


def moment_text(text: str, zone: ZoneInfo) -> str:
    """Return an ISO 8601 time of the metadata as :func:`texts` does; itself where it is none."""
    try:
        time = datetime.fromisoformat(text)
        if _FIRST <= np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "ms") < _END:
            return f"{time.astimezone(zone):%F %T}"
    except (ValueError, OverflowError):
        pass
    return text


def _local(column: pd.Series, zone: ZoneInfo) -> tuple[Array, Array]:
    """Return the times by the clock in ``zone``, and which of them lie within 2000 to 2100."""
    times = column.to_numpy("datetime64[ms]")
    usual = (times >= _FIRST) & (times < _END)
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        return times, usual
    known = pd.DatetimeIndex(np.where(usual, times, np.datetime64("NaT", "ms")), tz="UTC")
    return known.tz_convert(zone).tz_localize(None).to_numpy("datetime64[ms]"), usual


def _with_odd(cells: Array, column: pd.Series, usual: Array) -> Array:
    """Return the cells, with the times that lie outside as text, in UTC."""
    times = column.to_numpy("datetime64[ms]")
    odd = ~usual & ~np.isnat(times)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        cells[odd] = [f"{text} UTC" for text in _text(times[odd], "s")]
    else:
        cells[odd] = _text(times[odd], "D")
    return cells


def _text(times: Array, unit: Literal["s", "D"]) -> list[str]:
    return [text.replace("T", " ") for text in np.datetime_as_string(times, unit=unit).tolist()]
