"""Excel's own charts over the nights: lines and columns on an axis of dates, gaps as gaps."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart

from palm.text.printable import printable

__all__ = [
    "COLOURS",
    "LOST",
    "ON",
    "Cells",
    "add_columns",
    "add_line",
    "chart",
]

ON, LOST = "#0072B2", "#C65200"
"""Colours that the colour-blind, too, tell apart."""
COLOURS: Final = {"ON": ON, "OFF": LOST, "NONE": "#7B8595", "UNKNOWN": "#A34F91"}
_GRID: Final = {"visible": True, "line": {"color": "#DFE3E9"}}
_TITLE_FONT: Final = {"size": 11}
_AXIS_FONT: Final = {"size": 9, "bold": False}


class Cells(NamedTuple):
    """The place of a table with a line for each night, which charts show.

    Attributes:
        sheet: The name of its sheet.
        first: The row of the first night, from 0.
        last: The row of the last night.
    """

    sheet: str
    first: int
    last: int

    @property
    def nights(self) -> int:
        """How many nights the table has, with those without a run."""
        return self.last - self.first + 1

    def column(self, at: int) -> list[object]:
        """Return the cells of a column, as XlsxWriter wants them."""
        return [self.sheet, self.first, at, self.last, at]


def chart(
    book: Workbook,
    kind: str,
    title: str,
    *,
    x: str = "",
    y: str = "",
    num_format: str = "#,##0",
    limits: Sequence[float] = (),
    nights: int = 0,
    labels: int = 12,
) -> Chart:
    """Return a chart in which a night without a number is a gap.

    Args:
        book: The workbook, into one of whose sheets the chart must then be put.
        kind: XlsxWriter's name of it: line, column, scatter.
        title: What it shows.
        x: The title of the axis to the right; a small chart has no room for one.
        y: The title of the axis upwards.
        num_format: Of the numbers at the axis upwards.
        limits: The lowest and the highest number of that axis; without them Excel chooses.
        nights: If the axis to the right has dates, so many, each as far from the next.
        labels: How many of the dates are named at most.
    """
    made = book.add_chart({"type": kind})
    made.set_title({"name": printable(title), "name_font": _TITLE_FONT, "overlay": False})
    made.show_blanks_as("gap")
    made.set_x_axis({**_axis(x), **(_dates(nights, labels) if nights else {})})
    scale = dict(zip(("min", "max"), limits, strict=False))
    made.set_y_axis({**_axis(y), "major_gridlines": _GRID, "num_format": num_format, **scale})
    made.set_legend({"none": True})
    return made


def add_line(to: Chart, name: str, cells: Cells, at: int, colour: str = ON) -> None:
    """Add a column of a table as a line with a dot for each night; the first has the dates."""
    dot = {"type": "circle", "size": 4, "fill": {"color": colour}, "border": {"none": True}}
    to.add_series(
        {
            "name": printable(name),
            "categories": cells.column(0),
            "values": cells.column(at),
            "line": {"color": colour, "width": 1.75},
            "marker": dot,
        }
    )


def add_columns(to: Chart, name: str, cells: Cells, at: int, colour: str) -> None:
    """Add a column of a table as upright columns, one for each night."""
    to.add_series(
        {
            "name": printable(name),
            "categories": cells.column(0),
            "values": cells.column(at),
            "gap": 60,
            "fill": {"color": colour},
        }
    )


def _dates(nights: int, labels: int) -> dict[str, object]:
    return {
        "date_axis": True,
        "num_format": "mm-dd",
        "label_position": "low",
        "major_unit": ceil(nights / labels),
        "major_unit_type": "days",
    }


def _axis(title: str) -> dict[str, object]:
    named = {"name": printable(title), "name_font": _AXIS_FONT} if title else {}
    return {**named, "num_font": _AXIS_FONT}
