"""How cells look: kinds of columns, styles of lines, and the formats of a workbook for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, Self

import xlsxwriter
from xlsxwriter.format import Format

__all__ = ["LARGER", "NAMES", "WIDTHS", "Column", "Formats", "Kind", "Style"]


class Kind(StrEnum):
    """What a column contains, which decides how it looks.

    A NET has its sign, an ID is a number that must not be added up, a VALUE may be text or number,
    a NOTE may extend over the columns beside it, PROSE is wrapped. ALMOST_ALL is for the cells of a
    SHARE that are less than 100 % and would be rounded to it.
    """

    TEXT = "text"
    NUMBER = "number"
    NET = "net"
    SHARE = "share"
    ALMOST_ALL = "almost all"
    ID = "id"
    TIME = "time"
    DATE = "date"
    VALUE = "value"
    NOTE = "note"
    PROSE = "prose"


class Style(StrEnum):
    """How a line outside the rows of a table looks."""

    TITLE = "title"
    VERDICT = "verdict"
    WARNING = "warning"
    REMARK = "remark"
    HEADING = "heading"
    NAME = "name"
    NAME_OF_NUMBERS = "name of numbers"
    FILTERED_NUMBERS = "name of numbers with a filter"
    NAME_OF_NOTES = "name of notes"


class Column(NamedTuple):
    """A column's heading and the kind of its cells."""

    heading: str
    kind: Kind = Kind.NUMBER


_NAME: Final = {"bold": True, "bottom": 1, "bg_color": "#EDEDED", "text_wrap": True}
_LOOKS: Final[dict[Kind | Style, dict[str, object]]] = {
    Kind.TEXT: {"num_format": "@"},
    Kind.NUMBER: {"num_format": "#,##0"},
    Kind.NET: {"num_format": "+#,##0;-#,##0;0"},
    Kind.SHARE: {"num_format": '[=0]0.0%;[<0.0005]"< 0.1%";0.0%'},
    Kind.ALMOST_ALL: {"num_format": '"> 99.9%"'},
    Kind.ID: {"num_format": "0"},
    Kind.TIME: {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
    Kind.DATE: {"num_format": "yyyy-mm-dd", "align": "left"},
    Kind.VALUE: {"align": "left"},
    Kind.NOTE: {"indent": 1},
    Kind.PROSE: {"text_wrap": True, "valign": "top"},
    Style.TITLE: {"bold": True, "font_size": 13},
    Style.VERDICT: {"bold": True, "font_color": "#9C0006"},
    Style.WARNING: {"bold": True, "font_color": "#9C5700"},
    Style.REMARK: {"font_color": "#404040"},
    Style.HEADING: {"bold": True, "font_size": 12},
    Style.NAME: _NAME,
    Style.NAME_OF_NUMBERS: _NAME | {"align": "right"},
    Style.FILTERED_NUMBERS: _NAME | {"align": "right", "indent": 2},  # a filter's button is there
    Style.NAME_OF_NOTES: _NAME | {"indent": 1},
}
LARGER: Final = {Style.TITLE: 1.2, Style.HEADING: 1.1}
"""By how much text is larger than that of a table."""
NAMES: Final = {
    **dict.fromkeys((Kind.NUMBER, Kind.NET, Kind.SHARE, Kind.ID), Style.NAME_OF_NUMBERS),
    Kind.NOTE: Style.NAME_OF_NOTES,
}
"""The style of a heading by the kind of its column, where it is not NAME."""
WIDTHS: Final = {Kind.TIME: 19, Kind.DATE: 10, Kind.SHARE: 7, Kind.NOTE: 0, Kind.PROSE: 100}
"""Digits that a column needs whatever its cells contain."""


class Formats(NamedTuple):
    """The formats of a workbook.

    Attributes:
        usual: Of cells by the kind of their column, and of lines by their style.
        wrapped: Of lines that may be long, by their style.
    """

    usual: dict[Kind | Style, Format]
    wrapped: dict[Style, Format]

    @classmethod
    def of(cls, book: xlsxwriter.Workbook) -> Self:
        """Return one format of each kind and style, which are then the workbook's."""
        wrap = {"text_wrap": True, "valign": "top"}
        return cls(
            {name: book.add_format(look) for name, look in _LOOKS.items()},
            {style: book.add_format(_LOOKS[style] | wrap) for style in Style},
        )
