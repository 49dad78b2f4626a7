"""A report split by the values of a column, each part under a file name of its own. Pure."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from jobs.errors import UsageError
from jobs.extract.chosen_rows import chosen_rows
from jobs.extract.people import column_values, part_of, with_rows_of
from jobs.partitions.choice import MOST_IN_MEMORY
from jobs.plurals import counted
from jobs.report.chunks import RowChunks
from jobs.report.model import Report
from jobs.report.part_info import ColumnValue
from jobs.schema import Array

__all__ = ["file_stem", "split"]

_MOST_VALUES: Final = 5_000
_MOST_BYTES: Final = 180
"""Of a name without its suffix: while a file is written, its name is longer."""
_EMPTY: Final = "(empty)"
"""No value is encoded as this, for parentheses are not kept."""
_KEPT: Final = "_-"


def split(report: Report, column: str) -> Iterator[tuple[str, Report]]:
    """Yield the report of the people with each value of a column, and the stem of its file's name.

    All values are checked before the first is yielded. The rows of each part are in the report's
    order. Time grows with the rows plus the parts; memory is that of the report twice. A report
    that is not in memory is read once for as many values as have a million rows together.

    Args:
        report: A report, a comparison, or a part of either.
        column: ``organization_id``, or a column carried over from the input.

    Raises:
        UsageError: The column is unknown, has too many values, or two values or one cannot be
            names of files.
    """
    counts: Counter[str] = Counter()
    for rows in report.chunks():
        own = column_values(rows, column).value_counts()
        counts.update({str(value): int(count) for value, count in own.items()})
    values = sorted(counts)
    if len(values) > _MOST_VALUES:
        raise UsageError(
            f"--split-by {column}: {counted(len(values), 'value')}, at most {_MOST_VALUES:,} can "
            "be split"
        )
    stems = {value: file_stem(value) for value in values}
    first: dict[str, str] = {}
    for stem in stems.values():
        if len(stem.encode()) > _MOST_BYTES:
            raise UsageError(f"--split-by {column}: a value is too long for the name of a file")
        folded = unicodedata.normalize("NFC", stem).casefold()
        if folded in first:
            raise UsageError(
                f"--split-by {column}: two values make the same file name where case does not "
                f"count: {first[folded]}.xlsx and {stem}.xlsx"
            )
        first[folded] = stem
    for batch in [values] if report.is_in_memory else _batches(values, counts):
        for value, content in _divided(report, column, batch):
            part = (
                part_of(report.metadata.part, [value], ())
                if column == "organization_id"
                else part_of(report.metadata.part, (), [ColumnValue(column, value)])
            )
            yield stems[value], with_rows_of(report, content, part)


def _batches(values: Sequence[str], counts: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield the values in lists of which each has few enough rows, or is a single value."""
    batch: list[str] = []
    rows = 0
    for value in values:
        if batch and rows + counts[value] > MOST_IN_MEMORY:
            yield batch
            batch, rows = [], 0
        batch.append(value)
        rows += counts[value]
    if batch:
        yield batch


def _divided(
    report: Report, column: str, values: Sequence[str]
) -> Iterator[tuple[str, pd.DataFrame | RowChunks]]:
    """Yield the rows with each of some values, after the value."""

    def choose(rows: pd.DataFrame) -> Array:
        return column_values(rows, column).isin(values).to_numpy(bool)

    content = report.rows if report.is_in_memory else chosen_rows(report, choose)
    if not isinstance(content, pd.DataFrame):
        yield values[0], content
        return
    found = pd.Categorical(column_values(content, column))
    # Sorted once: to look for the rows of each value would take as long as values times rows.
    rows = content.iloc[np.argsort(found.codes, kind="stable")]
    end = 0
    for value, count in zip(found.categories, np.bincount(found.codes).tolist(), strict=True):
        start, end = end, end + count
        yield str(value), rows.iloc[start:end]


def file_stem(value: str) -> str:
    """Return a value as the name of a file: letters, digits, ``_`` and ``-`` stay.

    Letters of any script stay. Everything else is percent-encoded, so that different values have
    different names.
    """
    kept = (
        character
        if character.isalnum() or character in _KEPT
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
        for character in value
    )
    return "".join(kept) or _EMPTY
