"""Values as cells of a spreadsheet: texts that fit, times as Excel counts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

import pandas as pd

from jobs.render.moments import days

__all__ = ["Cell", "cells_of", "cut", "ratio", "width"]

Cell: TypeAlias = str | float | None

_CHUNK: Final = 16 * 1024
_MOST_TEXT: Final = 32_767
"""UTF-16 units that a cell holds."""


def cells_of(rows: pd.DataFrame, zone: ZoneInfo) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows as cells, a time as the days that the clock on the wall in ``zone`` shows."""
    for start in range(0, len(rows), _CHUNK):
        part = rows.iloc[start : start + _CHUNK]
        yield from zip(*(_cells(part[name], zone) for name in part), strict=True)


def _cells(column: pd.Series, zone: ZoneInfo) -> list[Cell]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return days(column, zone)
    return column.astype(object).where(column.notna(), None).tolist()


def ratio(part: int, whole: int) -> float | None:
    """Return a share; None of nothing."""
    return part / whole if whole else None


def width(text: str) -> int:
    """Return how many digits wide a text is; a Chinese character is two."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def cut(text: str) -> str:
    """Return as much of a text as a cell holds, ending in an ellipsis where that is not all."""
    if len(text) <= _MOST_TEXT // 2:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _MOST_TEXT:
        return text
    return units[: 2 * (_MOST_TEXT - 1)].decode("utf-16-le", "ignore") + "…"
