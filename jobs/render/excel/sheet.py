"""Tables on a worksheet: texts stay texts, and numbers can be added up.

Everything is written from the top to the bottom, row by row, as XlsxWriter needs it if the whole
workbook must not be in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final

import xlsxwriter
from xlsxwriter.chart import Chart

from jobs.render.excel.cells import Cell, cut, width
from jobs.render.excel.looks import LARGER, NAMES, WIDTHS, Column, Formats, Kind, Style
from jobs.render.language import Translate
from palm.text.printable import printable

__all__ = ["MOST_ROWS", "ROWS_LEFT_OUT", "Book", "Sheet"]

MOST_ROWS: Final = 1_048_576
"""Rows that fit on a sheet."""
ROWS_LEFT_OUT: Final = (
    "{count:,} more {count:row does|rows do} not fit on a sheet of Excel; Parquet and CSV have "
    "them all."
)
"""What a sheet says above its table, in English."""
_MEASURED: Final = 2_000
"""Number of rows of a table that decide its widths and colours."""
_NARROW, _WIDE = 9, 60
_PAPER: Final = 240
"""Digits that can be read in a line of a page of paper; a wider table goes on beside it."""
_MARGIN: Final = 2
_FILTER_BUTTON: Final = "[v]"
_LINE: Final = 15
"""Height of a line in points."""
_ACROSS, _PARAGRAPH = 10, 85
"""Columns over which a paragraph is written, and how many digits are sure to fit in them."""
_BREAKS: Final = "\t\r\n"
"""A carried column may have several lines in one cell."""
_ALMOST: Final = 0.9995
"""From here to 1 a share would be rounded to 100 %, which it is not."""
_WHITE, _BLUE = "#FFFFFF", "#8DB4E2"


class Book:
    """A workbook of sheets with ``most_rows`` rows, whose names are in one language."""

    def __init__(self, book: xlsxwriter.Workbook, translate: Translate, most_rows: int) -> None:
        self._book, self._translate, self._most_rows = book, translate, most_rows
        self._formats = Formats.of(book)

    def sheet(self, name: str) -> Sheet:
        """Return a new sheet; its name is translated."""
        return Sheet(self._book, self._translate(name), self._formats, self._most_rows)


class Sheet:
    """A worksheet of ``most_rows`` rows, written from the top to the bottom.

    Attributes:
        book: The workbook that it is a part of.
        name: The name of the sheet, as the reader sees it.
        row: The next row that is written, from 0.
    """

    def __init__(
        self, book: xlsxwriter.Workbook, name: str, formats: Formats, most_rows: int
    ) -> None:
        self.book, self.name, self.row = book, name, 0
        self._sheet, self._formats = book.add_worksheet(name), formats
        self._most_rows = most_rows
        self._widths: dict[int, int] = {}
        self._sheet.set_landscape()
        self._sheet.set_paper(9)  # A4
        self._sheet.fit_to_pages(1, 0)
        self._sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        self._sheet.set_footer("&L&A&R&P / &N")

    def fit_on_one_page(self) -> None:
        """Print all of it on one page."""
        self._sheet.fit_to_pages(1, 1)

    def room(self, rows: int) -> int:
        """Return how many of ``rows`` fit, with a line above that says how many are left out."""
        most = self._most_rows - self.row - 1
        return rows if rows <= most else most - 1

    def line(self, text: str, style: Style) -> None:
        """Write a line of text."""
        self._sheet.write_string(self.row, 0, cut(printable(text)), self._formats.usual[style])
        self.row += 1

    def paragraph(self, text: str, style: Style) -> None:
        """Write a line of text that may be long: it is wrapped over the first columns."""
        larger = LARGER.get(style, 1.0)
        lines = ceil(width(text) * larger / _PARAGRAPH)
        if lines == 1:
            self.line(text, style)
            return
        shown, look = cut(printable(text)), self._formats.wrapped[style]
        self._sheet.set_row(self.row, lines * _LINE * larger)
        self._sheet.merge_range(self.row, 0, self.row, _ACROSS - 1, "", look)
        self._sheet.write_string(self.row, 0, shown, look)
        self.row += 1

    def skip(self, rows: int) -> int:
        """Leave so many rows empty, for a chart, and return the first of them."""
        self.row += rows
        return self.row - rows

    def insert(self, chart: Chart, row: int, right: int) -> None:
        """Put a chart on the sheet, so many pixels to the right of the first cell of a row."""
        self._sheet.insert_chart(row, 0, chart, {"x_offset": right, "object_position": 3})

    def freeze(self, columns: int = 0) -> None:
        """Keep the rows written so far and the first ``columns`` visible, on paper too."""
        self._sheet.freeze_panes(self.row, columns)
        self._sheet.repeat_rows(0, self.row - 1)

    def block(self, title: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
        """Write a small table under its title, with an empty line above."""
        self.row += 1
        self.line(title, Style.HEADING)
        self.names(columns)
        self.body(columns, rows)

    def listing(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, fixed: int | None
    ) -> None:
        """Write a long table with filters.

        Its headings and first ``fixed`` columns stay in sight. If ``fixed`` is None, the headings
        are only repeated on each page of paper.
        """
        top = self.row
        self._sheet.set_row(top, 2 * _LINE)
        self.names(columns, filtered=True)
        if fixed is None:
            self._sheet.repeat_rows(top)
        else:
            self.freeze(fixed)
        self.body(columns, rows)
        if fixed:
            self._sheet.repeat_columns(0, fixed - 1)
            self._sheet.fit_to_pages(ceil(sum(self._widths.values()) / _PAPER), 0)
        bottom = max(self.row - 1, top)
        self._sheet.autofilter(top, 0, bottom, len(columns) - 1)
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{bottom + 1}"})

    def names(self, columns: Sequence[Column], *, filtered: bool = False) -> None:
        """Write the headings of a table; headings with filters may have two lines."""
        for at, (heading, kind) in enumerate(columns):
            style = NAMES.get(kind, Style.NAME)
            if filtered and style is Style.NAME_OF_NUMBERS:
                style = Style.FILTERED_NUMBERS
            self._sheet.write_string(
                self.row, at, cut(printable(heading)), self._formats.usual[style]
            )
            self._widen(at, _two_lines(heading) if filtered else width(heading))
        self.row += 1

    def body(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
        """Write the rows below the headings; shares are coloured from 0 to the highest."""
        text, number = self._sheet.write_string, self._sheet.write_number
        formats = [self._formats.usual[column.kind] for column in columns]
        almost = self._formats.usual[Kind.ALMOST_ALL]
        shares = {at for at, column in enumerate(columns) if column.kind is Kind.SHARE}
        top, row = self.row, self.row
        highest: dict[int, float] = {}
        prose = [at for at, column in enumerate(columns) if column.kind is Kind.PROSE]
        for cells in rows:
            for at in prose:
                lines = ceil(width(str(cells[at])) / WIDTHS[Kind.PROSE])
                self._sheet.set_row(row, lines * _LINE)
            for at, cell in enumerate(cells):
                if cell is None or cell == "":
                    continue
                if isinstance(cell, str):
                    text(row, at, cut(printable(cell, keep=_BREAKS)), formats[at])
                elif _ALMOST <= cell < 1 and at in shares:
                    number(row, at, cell, almost)
                else:
                    number(row, at, cell, formats[at])
            if row - top < _MEASURED:
                self._measure(columns, cells, highest)
            row += 1
        self.row = row
        for at, share in highest.items():
            self._colour(at, top, share or 1.0)

    def _measure(
        self, columns: Sequence[Column], cells: Sequence[Cell], highest: dict[int, float]
    ) -> None:
        for at, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            if column.kind is Kind.SHARE and isinstance(cell, float):
                highest[at] = max(highest.get(at, 0.0), cell)
            if column.kind in WIDTHS:
                self._widen(at, WIDTHS[column.kind], max(WIDTHS.values()))
            elif cell is not None:
                self._widen(at, width(cell) if isinstance(cell, str) else len(f"{cell:,}"))

    def _colour(self, at: int, top: int, highest: float) -> None:
        scale = {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": highest}
        colours = {"min_color": _WHITE, "max_color": _BLUE}
        look = {"type": "2_color_scale", **scale, **colours}
        self._sheet.conditional_format(top, at, self.row - 1, at, look)

    def _widen(self, at: int, digits: int, most: int = _WIDE) -> None:
        wide = min(max(digits + _MARGIN, _NARROW), most)
        if wide > self._widths.get(at, 0):
            self._widths[at] = wide
            self._sheet.set_column(at, at, wide)


def _two_lines(heading: str) -> int:
    """Return the width in which a heading and the button of its filter fit on two lines."""
    words = heading.split()
    if len(words) == 1 and not heading.isascii():  # Chinese is broken anywhere
        return ceil(width(heading) / 2) + len(_FILTER_BUTTON)
    return max(map(width, words), default=0) + len(_FILTER_BUTTON)
