"""The report as an Excel workbook, for the analyst: counts first, then who changed, then how.

Names of columns, states, changes and reasons stay in every language, for people filter by them.
Pairs that did not change are not in it: Parquet and CSV have every row.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError, FileSizeError

from jobs.plurals import filled
from jobs.render.excel.cells import Cell, cells_of, ratio
from jobs.render.excel.columns import write_by_column
from jobs.render.excel.counts import CHANGES, write_about, write_summary, write_transitions
from jobs.render.excel.sheet import Column, Kind, Sheet, Style, formats_of
from jobs.render.language import Language, Translate
from jobs.render.moments import zone_of
from jobs.render.translations import translator
from jobs.report.model import Report
from jobs.schema import NO_CHANGE, ROWS, Change, Listing, State, carried_columns, codes, listed

__all__ = ["write_excel"]

_MOST_ROWS: Final = 1_048_576
_MOST_COLUMNS: Final = 16_384
_MANY_ROWS: Final = 50_000
_FIRST_YEAR: Final = 1_900
"""With an earlier year, XlsxWriter writes a workbook that no program opens."""
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When rows were made that do not say so: the same rows make the same workbook."""
_KEYS: Final = ("organization_id", "openid")
_OF_EVERYBODY: Final = (
    "state", "known_state", "previous_state", "change", "authorize_time", "known_at",
    "last_changed_at", "first_seen_at", "unknown_reason", "input_line",
)  # fmt: skip
_FIXED: Final = 2
"""Columns of a list of pairs that stay in sight: the pair's two keys."""


def write_excel(
    report: Report,
    file: BinaryIO,
    language: Language = Language.EN,
    *,
    most_rows: int = _MOST_ROWS,
    many_rows: int = _MANY_ROWS,
) -> None:
    """Write the workbook.

    Args:
        report: What is written.
        file: The file to write to.
        language: The language of the labels.
        most_rows: Rows that fit on a sheet; further ones are left out, and the sheet says so.
        many_rows: If there are more rows, they are kept on disk while the workbook is made.

    Raises:
        OSError: The workbook cannot be written, or is larger than Excel can open.
    """
    translate = translator(language)
    rows, part = _with_shown(report), report.metadata.part
    everybody, changed, unanswered = _everybody(rows), _changed(rows), _unanswered(rows)
    longest = everybody if part is not None and part.is_filtered else changed
    on_disk = max(len(longest), len(unanswered)) > many_rows
    with _workbook(report, file, on_disk=on_disk) as book:
        formats = formats_of(book)

        def sheet(name: str) -> Sheet:
            return Sheet(book.add_worksheet(translate(name)), formats, most_rows)

        write_summary(report, sheet("Summary"), translate)
        write_transitions(report, sheet("Transitions"), translate)
        _organizations(report, sheet("Organizations"), translate)
        if report.metadata.by:
            write_by_column(report.metadata.by, sheet("By column"), translate)
        zone = zone_of(report.timezone)
        if part is not None and part.is_filtered:
            _pairs(everybody, "change", sheet("People"), zone, translate)
        _pairs(changed, "change", sheet("Changes"), zone, translate)
        _pairs(unanswered, "unknown_reason", sheet("Unknown"), zone, translate)
        write_about(report, sheet("About"), translate)


@contextmanager
def _workbook(report: Report, file: BinaryIO, *, on_disk: bool) -> Iterator[xlsxwriter.Workbook]:
    """Yield a workbook without the name of an author, and write it at the end."""
    run = report.metadata.run
    finished = run.finished.astimezone(UTC) if run else _LONG_AGO
    packed = BytesIO()
    with _scratch(file, on_disk=on_disk) as options:
        book = xlsxwriter.Workbook(packed, options)
        created = {"created": finished.replace(tzinfo=None)} if finished.year >= _FIRST_YEAR else {}
        title = f"palm-reconcile {run.date}" if run else "palm-reconcile"
        book.set_properties({"title": title, **created})
        yield book
        try:
            book.close()
        except FileCreateError as error:
            raise error.args[0] from None
        except FileSizeError:
            raise OSError(errno.EFBIG, "more than Excel can open; use Parquet or CSV") from None
    file.write(packed.getbuffer())


@contextmanager
def _scratch(file: BinaryIO, *, on_disk: bool) -> Iterator[dict[str, object]]:
    """Yield the options that decide where a workbook is made: in memory or in a temporary folder.

    The folder is the system's or, if that has none (a read-only root), one beside the output.
    """
    if not on_disk:
        yield {"in_memory": True}
        return
    name = getattr(file, "name", None)
    beside = [Path(name).parent] if isinstance(name, str | Path) else []
    for folder in (None, *beside):
        try:
            # Files left after an error hold personal data, and are removed with the folder.
            scratch = TemporaryDirectory(
                prefix=".palm-reconcile-", dir=folder, ignore_cleanup_errors=True
            )
        except OSError:
            continue
        with scratch as path:
            yield {"constant_memory": True, "tmpdir": path}
        return
    yield {"in_memory": True}


def _with_shown(report: Report) -> pd.DataFrame:
    """Return the rows without the carried columns, except for those to be shown."""
    carried = carried_columns(report.rows.columns, ROWS)
    return report.rows.drop(columns=[name for name in carried if name not in report.show])


def _everybody(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[*_KEYS, *carried_columns(rows.columns, ROWS), *_OF_EVERYBODY]]


def _changed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with a change, class by class."""
    found = rows[~rows["change"].isin(NO_CHANGE)]
    found = found.iloc[np.argsort(codes(found, "change"), kind="stable")]
    return found[_names(rows, Listing.CHANGES_SHEET)]


def _unanswered(rows: pd.DataFrame) -> pd.DataFrame:
    found = rows[rows["change"] == Change.UNKNOWN]
    return found[_names(rows, Listing.UNKNOWN_SHEET)]


def _names(rows: pd.DataFrame, listing: Listing) -> list[str]:
    """Return a sheet's column names: the keys, those carried through from the input, the rest."""
    names = listed(listing)
    return [*names[:_FIXED], *carried_columns(rows.columns, ROWS), *names[_FIXED:]]


def _pairs(rows: pd.DataFrame, by: str, sheet: Sheet, zone: ZoneInfo, translate: Translate) -> None:
    if (over := len(rows.columns) - _MOST_COLUMNS) > 0:
        carried = carried_columns(rows.columns, ROWS)
        rows = rows.drop(columns=carried[-over:])
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
    columns = [_column(rows[name], zone) for name in rows]
    fit = sheet.room(len(rows))
    if fit < len(rows):
        left_out = rows[by].iloc[fit:].value_counts(sort=False)
        classes = ", ".join(f"{name} {count:,}" for name, count in left_out.items() if count)
        sheet.line(f"{_cut(len(rows) - fit, translate)} {classes}", Style.WARNING)
    sheet.listing(columns, cells_of(rows.iloc[:fit], zone), fixed=_FIXED)


def _column(values: pd.Series, zone: ZoneInfo) -> Column:
    name = str(values.name)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return Column(f"{name} ({zone.key})", Kind.TIME)
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return Column(name, Kind.DATE)
    return Column(name, Kind.ID if pd.api.types.is_integer_dtype(values.dtype) else Kind.TEXT)


def _organizations(report: Report, sheet: Sheet, translate: Translate) -> None:
    own = report.summary.by_organization
    columns = [
        Column("organization_id", Kind.TEXT),
        Column(translate("pairs")),
        *(Column(state.value) for state in State),
        *(Column(f"{state} {translate('share')}", Kind.SHARE) for state in State),
        *(Column(change.value) for change in CHANGES),
    ]
    rows: list[Sequence[Cell]] = [
        [
            name,
            counts.pairs,
            *(counts.states[state] for state in State),
            *(ratio(counts.states[state], counts.pairs) for state in State),
            *(counts.changes.get(change, 0) for change in CHANGES),
        ]
        for name, counts in own.items()
    ]
    fit = sheet.room(len(rows))
    if fit < len(rows):
        sheet.line(_cut(len(rows) - fit, translate), Style.WARNING)
    sheet.listing(columns, rows[:fit], fixed=1)


def _cut(count: int, translate: Translate) -> str:
    return filled(
        translate(
            "{count:,} more {count:row does|rows do} not fit on a sheet of Excel; Parquet and CSV "
            "have them all."
        ),
        count=count,
    )
