"""The sheets with a line for each pair: People, Changes and Unknown.

Pairs that did not change are on the sheet People only, which the workbook of some people has;
Parquet and CSV have every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd

from jobs.extract.excerpt import Excerpt, RowList, excerpt
from jobs.plurals import filled
from jobs.render.excel.cells import cells_of
from jobs.render.excel.counts import why_no_change
from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import ROWS_LEFT_OUT, Book, Sheet
from jobs.render.language import Translate
from jobs.render.moments import zone_of
from jobs.render.numbers import LOSSES_FIRST
from jobs.report.model import Report
from jobs.schema import ROWS, Listing, State, carried_columns, listed

__all__ = ["excerpt_of", "longest_list", "write_pairs"]

_MOST_COLUMNS: Final = 16_384
_KEYS: Final = ("organization_id", "openid")
_OF_EVERYBODY: Final = (
    "state", "known_state", "previous_state", "change", "authorize_time", "known_at",
    "last_changed_at", "first_seen_at", "unknown_reason", "input_line",
)  # fmt: skip
_FIXED: Final = 2
"""Columns of a list of pairs that stay in sight: the pair's two keys."""


def excerpt_of(report: Report, most_rows: int) -> Excerpt:
    """Return the rows that fit on the sheets, of which that of everybody may not be there."""
    part = report.metadata.part
    some_people = part is not None and part.is_filtered
    return excerpt(report, most=most_rows, order=LOSSES_FIRST, everybody=some_people)


def longest_list(taken: Excerpt) -> int:
    """Return the number of lines of the longest of the sheets, those left out included."""
    lists = (taken.everybody, taken.changed, taken.unanswered)
    return max(len(each) for each in lists if each is not None)


def write_pairs(report: Report, taken: Excerpt, book: Book, translate: Translate) -> None:
    """Write the sheets; that of everybody only where the report is of some people."""
    if taken.everybody is not None:
        names = [*_KEYS, *_shown(report), *_OF_EVERYBODY]
        _write(taken.everybody, names, report, book.sheet("People"), translate)
    names = _names(report, Listing.CHANGES_SHEET)
    _write(taken.changed, names, report, book.sheet("Changes"), translate)
    names = _names(report, Listing.UNKNOWN_SHEET)
    _write(taken.unanswered, names, report, book.sheet("Unknown"), translate)


def _shown(report: Report) -> list[str]:
    """Return the carried columns that are shown, in the report's order."""
    return [name for name in carried_columns(report.columns, ROWS) if name in report.show]


def _names(report: Report, listing: Listing) -> list[str]:
    """Return a sheet's column names: the keys, those carried through from the input, the rest."""
    names = listed(listing)
    return [*names[:_FIXED], *_shown(report), *names[_FIXED:]]


def _write(
    found: RowList, names: Sequence[str], report: Report, sheet: Sheet, translate: Translate
) -> None:
    zone = zone_of(report.timezone)
    if not len(found):
        sheet.line(_why_empty(found.by, report, translate), Style.REMARK)
        return
    rows = _without_columns_left_out(found.rows[names], sheet, translate)
    columns = [_column(rows[name], zone, translate) for name in rows]
    fit = sheet.room(len(found))
    if fit < len(found):
        classes = [f"{translate(n)} {count:,}" for n, count in found.beyond(fit).items() if n]
        said = filled(translate(ROWS_LEFT_OUT), count=len(found) - fit)
        told = translate(", ").join(classes)
        sheet.line(translate(" ").join([said, told]) if told else said, Style.WARNING)
    sheet.listing(columns, cells_of(rows.iloc[:fit], zone, translate), fixed=_FIXED)


def _why_empty(by: str, report: Report, translate: Translate) -> str:
    """Return a sentence in place of a table without lines."""
    if by == "change" and (why := why_no_change(report, translate)):
        return why
    if by == "unknown_reason" and not report.summary.states[State.UNKNOWN]:
        return translate("Every pair has a valid answer.")
    return translate("No such row is here.")


def _without_columns_left_out(
    rows: pd.DataFrame, sheet: Sheet, translate: Translate
) -> pd.DataFrame:
    """Return the rows without the last carried columns if a sheet has no room for all."""
    if (over := len(rows.columns) - _MOST_COLUMNS) <= 0:
        return rows
    sheet.line(
        filled(
            translate(
                "{count:,} more {count:column does|columns do} not fit on a sheet of Excel; "
                "Parquet and CSV have them all."
            ),
            count=over,
        ),
        Style.WARNING,
    )
    carried: Sequence[str] = carried_columns(rows.columns, ROWS)
    return rows.drop(columns=carried[-over:])


def _column(values: pd.Series, zone: ZoneInfo, translate: Translate) -> Column:
    """Return a column's heading and kind; a column of the input keeps its name."""
    name = str(values.name)
    heading = _heading(name, translate) if name in ROWS else name
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return Column(f"{heading} ({zone.key})", Kind.TIME)
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return Column(heading, Kind.DATE)
    return Column(heading, Kind.ID if pd.api.types.is_integer_dtype(values.dtype) else Kind.TEXT)


def _heading(name: str, translate: Translate) -> str:
    """Return the heading of a column of ours, which is its name where it has no label."""
    try:
        return translate(name)
    except KeyError:
        return name
