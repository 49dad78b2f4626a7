"""Values as cells of a spreadsheet: texts that fit, times as Excel's day numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, TypeAlias
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

import pandas as pd

from jobs.render.language import Translate
from jobs.render.moments import days

__all__ = ["Cell", "cells_of", "coded", "cut", "day_cell", "ratio", "width"]

Cell: TypeAlias = str | float | None

_CHUNK: Final = 16 * 1024
_DAY_ZERO: Final = date(1899, 12, 30)
_FIRST_DAY: Final = date(1900, 3, 1)
"""The first day that all programs count alike: Excel's 1900 has a 29 February."""
_CLOSED_SETS: Final = ("state", "known_state", "previous_state", "change", "unknown_reason")
"""Columns of ours whose values have a name in each language."""
_MOST_TEXT: Final = 32_767
"""UTF-16 units that fit in a cell."""


def cells_of(
    rows: pd.DataFrame, zone: ZoneInfo, translate: Translate
) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows as cells: local times in ``zone``, states, changes and reasons translated.

    A column that is carried over from the input is never translated.
    """
    for start in range(0, len(rows), _CHUNK):
        part = rows.iloc[start : start + _CHUNK]
        yield from zip(*(_cells(part[name], zone, translate) for name in part), strict=True)


def _cells(column: pd.Series, zone: ZoneInfo, translate: Translate) -> list[Cell]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return days(column, zone)
    if column.name in _CLOSED_SETS:
        column = column.map({value: translate(value) for value in column.dropna().unique()})
    return column.astype(object).where(column.notna(), None).tolist()


def day_cell(day: date) -> Cell:
    """Return a date as the number of days that Excel counts, or as text where it knows none."""
    return (day - _DAY_ZERO).days if day >= _FIRST_DAY else day.isoformat()


def coded(value: str, translate: Translate) -> str:
    """Return a state, change or reason in a language, with its name in Parquet and CSV if other."""
    name = translate(value)
    return value if name == value else f"{name} {value}"


def ratio(part: int | None, whole: int | None) -> float | None:
    """Return a share; None if the whole is 0, or a count is not known."""
    return part / whole if whole and part is not None else None


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
