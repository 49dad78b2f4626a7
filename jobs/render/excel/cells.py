"""Values as cells of a spreadsheet: texts that fit, times as Excel's day numbers."""

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
"""UTF-16 units that fit in a cell."""


def cells_of(rows: pd.DataFrame, zone: ZoneInfo) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows as cells, with local times in ``zone``."""
    for start in range(0, len(rows), _CHUNK):
        part = rows.iloc[start : start + _CHUNK]
        yield from zip(*(_cells(part[name], zone) for name in part), strict=True)


def _cells(column: pd.Series, zone: ZoneInfo) -> list[Cell]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return days(column, zone)
    return column.astype(object).where(column.notna(), None).tolist()


def ratio(part: int, whole: int) -> float | None:
    """Return a share, or None if the whole is 0."""
    return part / whole if whole else None


def width(text: str) -> int:
    """Return the width of a text in digits; a Chinese character has two."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def cut(text: str) -> str:
    """Return a text that fits in a cell; if it was cut, it ends in an ellipsis."""
    if len(text) <= _MOST_TEXT // 2:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _MOST_TEXT:
        return text
    return units[: 2 * (_MOST_TEXT - 1)].decode("utf-16-le", "ignore") + "…"
