"""Tables on a worksheet: texts stay texts, and numbers can be added up.

Everything is written from the top to the bottom, row by row, as XlsxWriter needs it if the whole
workbook must not be in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from jobs.render.excel.cells import Cell, cut, width
from palm.text.printable import printable

__all__ = ["Column", "Kind", "Sheet", "Style", "formats_of"]

_MEASURED: Final = 2_000
"""Number of rows of a table that decide its widths and colours."""
_NARROW, _WIDE = 9, 60
_MARGIN: Final = 2
_FILTER_BUTTON: Final = "[v]"
_TWO_LINES: Final = 30
"""Height in points."""
_BREAKS: Final = "\t\r\n"
"""A carried column may have several lines in one cell."""
_WHITE, _BLUE = "#FFFFFF", "#8DB4E2"


class Kind(StrEnum):
    """What a column contains, which decides how it looks.

    A NET has its sign, an ID is a number that must not be added up, a VALUE may be text or number,
    a NOTE may extend over the columns beside it.
    """

    TEXT = "text"
    NUMBER = "number"
    NET = "net"
    SHARE = "share"
    ID = "id"
    TIME = "time"
    DATE = "date"
    VALUE = "value"
    NOTE = "note"


class Style(StrEnum):
    """How a line outside the rows of a table looks."""

    TITLE = "title"
    WARNING = "warning"
    HEADING = "heading"
    NAME = "name"
    NAME_OF_NUMBERS = "name of numbers"
    NAME_OF_NOTES = "name of notes"


class Column(NamedTuple):
    """A column's heading and the kind of its cells."""

    heading: str
    kind: Kind = Kind.NUMBER


Formats: TypeAlias = dict[Kind | Style, Format]

_NAME: Final = {"bold": True, "bottom": 1, "bg_color": "#EDEDED", "text_wrap": True}
_LOOKS: Final[dict[Kind | Style, dict[str, object]]] = {
    Kind.TEXT: {"num_format": "@"},
    Kind.NUMBER: {"num_format": "#,##0"},
    Kind.NET: {"num_format": "+#,##0;-#,##0;0"},
    Kind.SHARE: {"num_format": '[=0]0.0%;[<0.001]"< 0.1%";0.0%'},
    Kind.ID: {"num_format": "0"},
    Kind.TIME: {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
    Kind.DATE: {"num_format": "yyyy-mm-dd", "align": "left"},
    Kind.VALUE: {"align": "left"},
    Kind.NOTE: {"indent": 1},
    Style.TITLE: {"bold": True, "font_size": 13},
    Style.WARNING: {"bold": True, "font_color": "#9C5700"},
    Style.HEADING: {"bold": True, "font_size": 12},
    Style.NAME: _NAME,
    Style.NAME_OF_NUMBERS: _NAME | {"align": "right"},
    Style.NAME_OF_NOTES: _NAME | {"indent": 1},
}
_NAMES: Final = {
    **dict.fromkeys((Kind.NUMBER, Kind.NET, Kind.SHARE, Kind.ID), Style.NAME_OF_NUMBERS),
    Kind.NOTE: Style.NAME_OF_NOTES,
}
_WIDTHS: Final = {Kind.TIME: 19, Kind.DATE: 10, Kind.SHARE: 7, Kind.NOTE: 0}


def formats_of(book: xlsxwriter.Workbook) -> Formats:
    """Return a workbook's formats, one of each kind and style."""
    return {name: book.add_format(look) for name, look in _LOOKS.items()}


class Sheet:
    """A worksheet of ``most_rows`` rows, written from the top to the bottom."""

    def __init__(self, sheet: Worksheet, formats: Formats, most_rows: int) -> None:
        self._sheet, self._formats, self._most_rows = sheet, formats, most_rows
        self._row = 0
        self._widths: dict[int, int] = {}
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)

    def room(self, rows: int) -> int:
        """Return how many of ``rows`` fit, with a line above that says how many are left out."""
        most = self._most_rows - self._row - 1
        return rows if rows <= most else most - 1

    def line(self, text: str, style: Style) -> None:
        """Write a line of text."""
        self._sheet.write_string(self._row, 0, cut(printable(text)), self._formats[style])
        self._row += 1

    def freeze(self, columns: int = 0) -> None:
        """Keep the rows written so far and the first ``columns`` visible, on paper too."""
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
        self._sheet.set_row(top, _TWO_LINES)
        self.names(columns, filtered=True)
        self.freeze(fixed)
        self.body(columns, rows)
        bottom = max(self._row - 1, top)
        self._sheet.autofilter(top, 0, bottom, len(columns) - 1)
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{bottom + 1}"})

    def names(self, columns: Sequence[Column], *, filtered: bool = False) -> None:
        """Write the headings of a table; headings with filters may have two lines."""
        for at, (heading, kind) in enumerate(columns):
            # A filter's button is on the right.
            style = Style.NAME if filtered else _NAMES.get(kind, Style.NAME)
            self._sheet.write_string(self._row, at, cut(printable(heading)), self._formats[style])
            words = [f"{word}{_FILTER_BUTTON}" for word in heading.split()]
            self._widen(at, max(map(width, words if filtered else [heading]), default=0))
        self._row += 1

    def body(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
        """Write the rows below the headings; shares are coloured from 0 to the highest."""
        text, number = self._sheet.write_string, self._sheet.write_number
        formats = [self._formats[column.kind] for column in columns]
        top, row = self._row, self._row
        highest: dict[int, float] = {}
        for cells in rows:
            for at, cell in enumerate(cells):
                if cell is None or cell == "":
                    continue
                if isinstance(cell, str):
                    text(row, at, cut(printable(cell, keep=_BREAKS)), formats[at])
                else:
                    number(row, at, cell, formats[at])
            if row - top < _MEASURED:
                self._measure(columns, cells, highest)
            row += 1
        self._row = row
        for at, share in highest.items():
            self._colour(at, top, share or 1.0)

    def _measure(
        self, columns: Sequence[Column], cells: Sequence[Cell], highest: dict[int, float]
    ) -> None:
        for at, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            if column.kind is Kind.SHARE and isinstance(cell, float):
                highest[at] = max(highest.get(at, 0.0), cell)
            if column.kind in _WIDTHS:
                self._widen(at, _WIDTHS[column.kind])
            elif cell is not None:
                self._widen(at, width(cell) if isinstance(cell, str) else len(f"{cell:,}"))

    def _colour(self, at: int, top: int, highest: float) -> None:
        scale = {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": highest}
        colours = {"min_color": _WHITE, "max_color": _BLUE}
        look = {"type": "2_color_scale", **scale, **colours}
        self._sheet.conditional_format(top, at, self._row - 1, at, look)

    def _widen(self, at: int, digits: int) -> None:
        if digits > self._widths.get(at, -1):
            self._widths[at] = digits
            self._sheet.set_column(at, at, min(max(digits + _MARGIN, _NARROW), _WIDE))
