"""The report's rows as CSV: for spreadsheets, for scripts, and as an input of this tool.

UTF-8 with a byte order mark, which Excel needs; LF at the end of each line; every text in quotes,
so that no character in it can end a cell; a missing value is empty. Times are ISO 8601 in UTC,
run dates plain dates.

A text that a spreadsheet would run as a formula gets a ``'`` in front, and so does one that already
begins with ``'`` and a formula: :mod:`jobs.input.records` removes exactly one, which is the inverse
for every text.

If the file is used as an input, each row is asked about again, DROPPED and ABSENT ones too; the
report's own columns are then carried over with ``input_`` in front.
"""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from typing import BinaryIO, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import WriteOptions
from pyarrow.csv import write_csv as write_table

from jobs.report.model import Report

__all__ = ["guard", "write_csv"]

_RUNNABLE: Final = r"\A('*[=+\-@\t\r])"
_OPTIONS: Final = WriteOptions(include_header=False)


def write_csv(report: Report, file: BinaryIO) -> None:
    """Write the rows; column names are the same in every language, because scripts use them.

    Raises:
        OSError: The file cannot be written.
    """
    names = guard(pa.array(report.columns, pa.string())).to_pylist()
    file.write(BOM_UTF8 + _header(names))
    for part in report.chunks():
        if not len(part):
            continue
        lines = io.BytesIO()
        write_table(pa.table([_cells(part[name]) for name in part], names), lines, _OPTIONS)
        file.write(lines.getbuffer())


def guard(texts: pa.StringArray) -> pa.StringArray:
    """Return the texts with a ``'`` before those that a spreadsheet would run, or that have one."""
    return pc.replace_substring_regex(texts, _RUNNABLE, r"'\1")


def _header(names: list[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(names)
    return line.getvalue().encode()


def _cells(column: pd.Series) -> pa.Array:
    """Return the column's cells as in the file: texts and whole numbers only."""
    cells = pa.array(column)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        times = cells.cast(pa.timestamp("ms")).cast(
            pa.string()
        )  # several times faster than strftime
        times = pc.replace_substring(times, " ", "T", max_replacements=1)
        return pc.binary_join_element_wise(times, "+00:00", "")
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return cells.cast(pa.date32()).cast(pa.string())
    if pd.api.types.is_integer_dtype(column.dtype):
        return cells
    return guard(cells.cast(pa.string()))
