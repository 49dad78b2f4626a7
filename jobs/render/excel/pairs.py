"""The sheets with a line for each pair: People, Changes and Unknown.

Pairs that did not change are on the sheet People only, which the workbook of some people has;
Parquet and CSV have every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from jobs.plurals import filled
from jobs.render.excel.cells import cells_of
from jobs.render.excel.counts import why_no_change
from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import ROWS_LEFT_OUT, Book, Sheet
from jobs.render.language import Translate
from jobs.render.moments import zone_of
from jobs.render.numbers import LOSSES_FIRST
from jobs.report.model import Report
from jobs.schema import (
    NO_CHANGE,
    ROWS,
    Change,
    Listing,
    State,
    carried_columns,
    categories,
    codes,
    listed,
)

__all__ = ["longest_list", "write_pairs"]

_MOST_COLUMNS: Final = 16_384
_KEYS: Final = ("organization_id", "openid")
_OF_EVERYBODY: Final = (
    "state", "known_state", "previous_state", "change", "authorize_time", "known_at",
    "last_changed_at", "first_seen_at", "unknown_reason", "input_line",
)  # fmt: skip
_FIXED: Final = 2
"""Columns of a list of pairs that stay in sight: the pair's two keys."""


def write_pairs(report: Report, book: Book, translate: Translate) -> None:
    """Write the sheets; that of everybody only where the report is of some people."""
    rows = _with_shown(report)
    if _has_people(report):
        _write(_everybody(rows), "change", report, book.sheet("People"), translate)
    _write(_changed(rows), "change", report, book.sheet("Changes"), translate)
    _write(_unanswered(rows), "unknown_reason", report, book.sheet("Unknown"), translate)


def longest_list(report: Report) -> int:
    """Return the number of lines of the longest of the sheets."""
    unknown = int((report.rows["change"] == Change.UNKNOWN).sum())
    changed = int((~report.rows["change"].isin(NO_CHANGE)).sum())
    return len(report.rows) if _has_people(report) else max(changed, unknown)


def _has_people(report: Report) -> bool:
    part = report.metadata.part
    return part is not None and part.is_filtered


def _with_shown(report: Report) -> pd.DataFrame:
    """Return the rows without the carried columns, except for those to be shown."""
    carried, shown = carried_columns(report.rows.columns, ROWS), set(report.show)
    return report.rows.drop(columns=[name for name in carried if name not in shown])


def _everybody(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[*_KEYS, *carried_columns(rows.columns, ROWS), *_OF_EVERYBODY]]


def _changed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with a change, class by class, losses first."""
    found = rows[~rows["change"].isin(NO_CHANGE)]
    rank = np.array([LOSSES_FIRST.index(Change[name]) for name in categories("change").categories])
    found = found.iloc[np.argsort(rank[codes(found, "change")], kind="stable")]
    return found[_names(rows, Listing.CHANGES_SHEET)]


def _unanswered(rows: pd.DataFrame) -> pd.DataFrame:
    found = rows[rows["change"] == Change.UNKNOWN]
    return found[_names(rows, Listing.UNKNOWN_SHEET)]


def _names(rows: pd.DataFrame, listing: Listing) -> list[str]:
    """Return a sheet's column names: the keys, those carried through from the input, the rest."""
    names = listed(listing)
    return [*names[:_FIXED], *carried_columns(rows.columns, ROWS), *names[_FIXED:]]


def _write(rows: pd.DataFrame, by: str, report: Report, sheet: Sheet, translate: Translate) -> None:
    zone = zone_of(report.timezone)
    if rows.empty:
        sheet.line(_why_empty(by, report, translate), Style.REMARK)
        return
    rows = _without_columns_left_out(rows, sheet, translate)
    columns = [_column(rows[name], zone, translate) for name in rows]
    fit = sheet.room(len(rows))
    if fit < len(rows):
        left_out = rows[by].iloc[fit:].value_counts(sort=False)
        classes = [f"{translate(str(name))} {count:,}" for name, count in left_out.items() if count]
        said = filled(translate(ROWS_LEFT_OUT), count=len(rows) - fit)
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
