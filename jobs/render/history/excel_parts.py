"""What the sheets of a history's workbook have in common: dates, charts and their lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import xlsxwriter
from xlsxwriter.chart import Chart
from xlsxwriter.worksheet import Worksheet

from jobs.render.excel.sheet import Formats, Sheet
from jobs.render.language import Translate
from palm.text.printable import printable

__all__ = ["DATE_AXIS", "LOST", "ON", "Book", "serial", "series"]

ON, LOST = "#0072B2", "#C24F00"
"""Colours that the colour-blind, too, tell apart."""
_MOST_ROWS: Final = 1_048_576
_DAY_ZERO: Final = date(1899, 12, 30)
DATE_AXIS: Final = {"date_axis": True, "num_format": "mm-dd", "label_position": "low"}


@dataclass(frozen=True, slots=True)
class Book:
    """The workbook while it is written."""

    book: xlsxwriter.Workbook
    formats: Formats
    translate: Translate

    def sheet(self, name: str) -> tuple[Sheet, Worksheet, str]:
        """Return a new sheet, for tables and for charts, and its name."""
        title = self.translate(name)
        sheet = self.book.add_worksheet(title)
        return Sheet(sheet, self.formats, _MOST_ROWS), sheet, title

    def chart(self, kind: str, title: str, **axis: object) -> Chart:
        """Return a chart whose gaps are gaps."""
        chart = self.book.add_chart({"type": kind})
        chart.set_title({"name": printable(title), "name_font": {"size": 11}, "overlay": False})
        chart.show_blanks_as("gap")
        chart.set_y_axis(
            {"major_gridlines": {"visible": True, "line": {"color": "#DFE3E9"}}} | axis
        )
        return chart


def serial(day: date) -> int:
    """Return a date as the days that Excel counts."""
    return (day - _DAY_ZERO).days


def series(name: str, dates: list[object], values: list[object]) -> dict[str, object]:
    """Return a line of a chart, with a dot for each night."""
    return {
        "name": printable(name),
        "categories": dates,
        "values": values,
        "line": {"color": ON, "width": 1.75},
        "marker": {
            "type": "circle",
            "size": 3,
            "fill": {"color": ON},
            "border": {"none": True},
        },
    }
