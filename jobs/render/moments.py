"""Times and dates as text and as numbers; no value of a time may end the writing of a report.

A time from 2000 to 2100 is shown in the run's time zone. Other times are not real ones (Go's zero
time, a damaged report) and are shown as text, in UTC: Python and pandas have no time zones and no
calendar outside the years 1 to 9999.
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
    """Return a time zone by its name, or UTC if this machine does not know the name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def days(column: pd.Series, zone: ZoneInfo) -> list[float | str | None]:
    """Return times as Excel's day numbers, None where missing, as text outside 2000 to 2100."""
    local, usual = _local(column, zone)
    cells = np.full(len(column), None, dtype=object)
    cells[usual] = (local[usual] - _DAY_ZERO) / _DAY
    filled: list[float | str | None] = _with_odd(cells, column, usual).tolist()
    return filled


def texts(column: pd.Series, zone: ZoneInfo) -> list[str]:
    """Return times as text, exact to the second, empty where missing."""
    local, usual = _local(column, zone)
    cells = np.full(len(column), "", dtype=object)
    cells[usual] = _text(local[usual], "s")
    filled: list[str] = _with_odd(cells, column, usual).tolist()
    return filled


def moment_text(text: str, zone: ZoneInfo) -> str:
    """Return an ISO 8601 time of the metadata as in :func:`texts`; other text is unchanged."""
    try:
        time = datetime.fromisoformat(text)
        if _FIRST <= np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "ms") < _END:
            return f"{time.astimezone(zone):%F %T}"
    except (ValueError, OverflowError):
        pass
    return text


def _local(column: pd.Series, zone: ZoneInfo) -> tuple[Array, Array]:
    """Return the local times in ``zone``, and which of them are within 2000 to 2100."""
    times = column.to_numpy("datetime64[ms]")
    usual = (times >= _FIRST) & (times < _END)
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        return times, usual
    known = pd.DatetimeIndex(np.where(usual, times, np.datetime64("NaT", "ms")), tz="UTC")
    return known.tz_convert(zone).tz_localize(None).to_numpy("datetime64[ms]"), usual


def _with_odd(cells: Array, column: pd.Series, usual: Array) -> Array:
    """Return the cells, with the times outside 2000 to 2100 as text, in UTC."""
    times = column.to_numpy("datetime64[ms]")
    odd = ~usual & ~np.isnat(times)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        cells[odd] = [f"{text} UTC" for text in _text(times[odd], "s")]
    else:
        cells[odd] = _text(times[odd], "D")
    return cells


def _text(times: Array, unit: Literal["s", "D"]) -> list[str]:
    return [text.replace("T", " ") for text in np.datetime_as_string(times, unit=unit).tolist()]
