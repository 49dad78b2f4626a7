"""A history as a table of one line a night, and as JSON with everything in it.

In the table a night without a report is a line, too, with nothing but its date.
"""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.history.model import Gap, History, Night
from jobs.render.language import Language
from palm.text.printable import json_text

__all__ = ["write_history_csv", "write_history_json", "write_history_parquet"]

_TYPES: Final = {
    "run_date": pa.date32(),
    "run_id": pa.string(),
    "exit_code": pa.int16(),
    "compared_with": pa.date32(),
    "follows": pa.bool_(),
}
_NAMES: Final = tuple(each.name for each in fields(Night))


def write_history_parquet(history: History, file: BinaryIO, _language: Language) -> None:
    """Write a row a night.

    Raises:
        OSError: The file cannot be written.
    """
    schema = pa.schema([(name, _TYPES.get(name, pa.int64())) for name in _NAMES])
    rows = [dict(zip(_NAMES, row, strict=True)) for row in _rows(history)]
    pq.write_table(pa.Table.from_pylist(rows, schema), file, compression="zstd")


def write_history_csv(history: History, file: BinaryIO, _language: Language) -> None:
    """Write a line a night; names are the same in every language.

    Raises:
        OSError: The file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_NAMES)
    writer.writerows([_cell(value) for value in row] for row in _rows(history))
    file.write(BOM_UTF8 + text.getvalue().encode())


def write_history_json(history: History, file: BinaryIO, _language: Language) -> None:
    """Write all that the history holds.

    Raises:
        OSError: The file cannot be written.
    """
    file.write(f"{json_text(history.to_json(), indent=2)}\n".encode())


def _rows(history: History) -> Iterator[list[object]]:
    for line in history.lines():
        if isinstance(line, Gap):
            for day in line.dates():
                yield [day] + [None] * (len(_NAMES) - 1)
        else:
            yield [getattr(line, name) for name in _NAMES]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)
