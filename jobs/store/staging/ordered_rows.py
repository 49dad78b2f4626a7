"""The rows of a report in parts, in the input's order: for a file that holds all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from jobs.report.chunks import RowChunks
from jobs.report.model import Report
from jobs.store.staging.row_stage import RowStage

__all__ = ["OrderedRows", "in_input_order"]


class OrderedRows:
    """The rows of a report in parts, in the input's order; pairs that are not in it follow.

    They are put into that order on disk when they are first read.

    Args:
        report: In parts.
        folder: Makes an empty folder for them.
    """

    def __init__(self, report: Report, folder: Callable[[], Path]) -> None:
        self._report, self._folder = report, folder

    @property
    def columns(self) -> Sequence[str]:
        """The columns of each piece."""
        return self._report.columns

    def __len__(self) -> int:
        return self._report.row_count

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the rows in pieces.

        Raises:
            OSError: They cannot be written to the folder, or read from it.
            ReportError: A file of the report has changed.
        """
        return iter(self.staged)

    @cached_property
    def staged(self) -> RowChunks:
        """The rows on disk.

        Raises:
            OSError: They cannot be written.
            ReportError: A file of the report has changed.
        """
        stage = RowStage(self._folder())
        for number, rows in enumerate(self._report.chunks()):
            stage.add(number, rows)
        return stage.content()


def in_input_order(report: Report, rows: Callable[[Report], RowChunks]) -> Report:
    """Return a report of one file with the rows of a report in parts, or any other as it is.

    Args:
        report: Any.
        rows: Returns the rows of one in parts, in the input's order.
    """
    if report.metadata.parts is None:
        return report
    controls = tuple(each for each in report.controls if each.name != "parts")
    metadata = replace(report.metadata, parts=None, controls=controls)
    return replace(report, content=rows(report), metadata=metadata)
