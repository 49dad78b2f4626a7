"""How tables stand on a worksheet: what is text stays text, what is a number can be added up.

Everything is written from the top to the bottom, a row at a time, as XlsxWriter wants it where it
is not to hold the whole workbook in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeAlias
from unicodedata import east_asian_width

import pandas as pd
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

__all__ = ["Cell", "Column", "Kind", "Sheet", "Style", "cells_of", "ratio", "styles"]

Cell: TypeAlias = str | float | None

_CHUNK: Final = 16 * 1024
_MEASURED: Final = 2_000
"""Rows of a table that its widths are taken from."""
_NARROW, _WIDE = 9, 60
_FILTER_BUTTON: Final = 3
_MOST_TEXT: Final = 32_767
"""UTF-16 units that a cell holds."""
_DAY_ZERO: Final = pd.Timestamp("1899-12-30")
_FIRST_DAY, _LAST_DAY = 61, 2_958_466
"""Between them, days have the same number in Excel, which knows a 1900-02-29, and elsewhere."""
_WHITE, _BLUE = "#FFFFFF", "#8DB4E2"


class Kind(StrEnum):
    """What a column holds, and so how it looks.

    A NET has its sign, an ID is a number that is not to be added up, a VALUE may be text or number,
    a NOTE may run over into the columns beside it.
    """

    TEXT = "text"
    NUMBER = "number"
    NET = "net"
    ID = "id"
    SHARE = "share"
    TIME = "time"
    DATE = "date"
    VALUE = "value"
    NOTE = "note"


class Style(StrEnum):
    """How a line that is no table looks."""

    TITLE = "title"
    WARNING = "warning"
    HEADING = "heading"
    NAME = "name"


class Column(NamedTuple):
    """A column's heading and what stands below it."""

    heading: str
    kind: Kind = Kind.NUMBER


_LOOKS: Final[dict[Kind | Style, dict[str, Any]]] = {
    Kind.TEXT: {"num_format": "@"},
    Kind.NUMBER: {"num_format": "#,##0"},
    Kind.NET: {"num_format": "+#,##0;-#,##0;0"},
    Kind.ID: {"num_format": "0"},
    Kind.SHARE: {"num_format": "0.0%"},
    Kind.TIME: {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
    Kind.DATE: {"num_format": "yyyy-mm-dd", "align": "left"},
    Kind.VALUE: {"align": "left"},
    Kind.NOTE: {},
    Style.TITLE: {"bold": True, "font_size": 13},
    Style.WARNING: {"bold": True, "font_color": "#9C5700"},
    Style.HEADING: {"bold": True, "font_size": 12},
    Style.NAME: {"bold": True, "bottom": 1, "bg_color": "#EDEDED"},
}
_WIDTHS: Final = {Kind.TIME: 19, Kind.DATE: 10, Kind.SHARE: 7, Kind.NOTE: 0}


def styles(book: xlsxwriter.Workbook) -> dict[Kind | Style, Any]:
    """Return a workbook's formats, one of each kind and style."""
    return {name: book.add_format(look) for name, look in _LOOKS.items()}


class Sheet:
    """A worksheet that is written from the top to the bottom, of ``most_rows`` rows."""

    def __init__(self, sheet: Worksheet, formats: dict[Kind | Style, Any], most_rows: int) -> None:
        self._sheet, self._formats, self._most_rows = sheet, formats, most_rows
        self._row = 0
        self._widths: dict[int, int] = {}
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)

    def line(self, text: str, style: Style) -> None:
        """Write a line of text."""
        self._sheet.write_string(self._row, 0, text, self._formats[style])
        self._row += 1

    def freeze(self, columns: int = 0) -> None:
        """Keep in sight what has been written so far, on paper too, and the first ``columns``."""
        self._sheet.freeze_panes(self._row, columns)
        self._sheet.repeat_rows(0, self._row - 1)

    def block(self, title: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
        """Write a small table under its title, with an empty line above."""
        self._row += 1
        self.line(title, Style.HEADING)
        self.names(columns)
        self.body(columns, rows)

    def listing(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, fixed: int
    ) -> None:
        """Write a long table with filters; its headings and first ``fixed`` columns stay."""
        top = self._row
        self.names(columns, more=_FILTER_BUTTON)
        self.freeze(fixed)
        self.body(columns, rows)
        bottom, right = max(self._row - 1, top), len(columns) - 1
        self._sheet.autofilter(top, 0, bottom, right)
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{bottom + 1}"})

    def room(self, rows: int) -> int:
        """Return how many of so many rows a listing holds, a line that says so above it."""
        most = self._most_rows - self._row - 1
        return rows if rows <= most else most - 1

    def finish(self) -> None:
        """Make the columns as wide as what they hold."""
        for at, width in self._widths.items():
            self._sheet.set_column(at, at, min(max(width + 1, _NARROW), _WIDE))

    def names(self, columns: Sequence[Column], more: int = 0) -> None:
        """Write the headings of a table."""
        for at, column in enumerate(columns):
            self._sheet.write_string(self._row, at, column.heading, self._formats[Style.NAME])
            self._widen(at, _width(column.heading) + more)
        self._row += 1

    def body(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
        """Write what stands below them."""
        text, number = self._sheet.write_string, self._sheet.write_number
        formats = [self._formats[column.kind] for column in columns]
        top = row = self._row
        highest = [0.0] * len(columns)
        for row, cells in enumerate(rows, top + 1):  # noqa: B007 - the last one is used below
            for at, cell in enumerate(cells):
                if cell is None or cell == "":
                    continue
                if isinstance(cell, str):
                    text(row - 1, at, _cut(cell), formats[at])
                else:
                    number(row - 1, at, cell, formats[at])
            if row - top <= _MEASURED:
                self._measure(columns, cells, highest)
        self._row = row
        for at, column in enumerate(columns):
            if column.kind is Kind.SHARE and row > top:
                self._colour(at, top, row - 1, highest[at] or 1.0)

    def _measure(
        self, columns: Sequence[Column], cells: Sequence[Cell], highest: list[float]
    ) -> None:
        for at, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            width = _WIDTHS.get(column.kind)
            if width is None:
                shown = cell if isinstance(cell, str) else "" if cell is None else f"{cell:,}"
                width = _width(shown)
            elif column.kind is Kind.SHARE and isinstance(cell, float):
                highest[at] = max(highest[at], cell)
            self._widen(at, width)

    def _colour(self, at: int, top: int, bottom: int, highest: float) -> None:
        scale = {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": highest}
        colours = {"min_color": _WHITE, "max_color": _BLUE}
        look = {"type": "2_color_scale", **scale, **colours}
        self._sheet.conditional_format(top, at, bottom, at, look)

    def _widen(self, at: int, width: int) -> None:
        self._widths[at] = max(self._widths.get(at, 0), width)


def cells_of(rows: pd.DataFrame, zone: str) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows as cells: times as Excel counts them, by the wall clock in ``zone``."""
    for start in range(0, len(rows), _CHUNK):
        part = rows.iloc[start : start + _CHUNK]
        yield from zip(*(_cells(part[name], zone) for name in part), strict=True)


def _cells(column: pd.Series, zone: str) -> list[Cell]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert(zone).dt.tz_localize(None)
    if not pd.api.types.is_datetime64_dtype(column.dtype):
        return column.astype(object).where(column.notna(), None).tolist()
    days = (column - _DAY_ZERO) / pd.Timedelta(days=1)
    cells = days.astype(object).where(days.notna(), None)
    beyond = (days < _FIRST_DAY) | (days >= _LAST_DAY)
    return cells.where(~beyond, column.astype(str)).tolist()


def ratio(part: int, whole: int) -> float | None:
    """Return a share; None of nothing."""
    return part / whole if whole else None


def _width(text: str) -> int:
    """Return how many digits wide a text is; a Chinese character is two."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _cut(text: str) -> str:
    """Return as much of a text as a cell holds, ending in an ellipsis where that is not all."""
    if len(text) <= _MOST_TEXT // 2:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _MOST_TEXT:
        return text
    return units[: 2 * (_MOST_TEXT - 1)].decode("utf-16-le", "ignore") + "…"
