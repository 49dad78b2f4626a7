"""A report in parts as one in the input's order, so that it is shown and written as any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final, Self

import pandas as pd

from jobs.errors import OutputError
from jobs.report.model import Report
from jobs.store.files.filesystem import reason_of
from jobs.store.staging.ordered_rows import OrderedRows, in_input_order

__all__ = ["ScratchError", "in_one_order", "scratch_folder"]

_PREFIX: Final = "palm-report-"


class ScratchError(OSError):
    """Temporary files cannot be written; ``strerror`` says why, where, and what to do."""

    strerror: str

    @classmethod
    def of(cls, error: OSError) -> Self:
        """Return the error of a file operation in a temporary folder."""
        return cls(
            error.errno,
            f"temporary files in {gettempdir()}: {reason_of(error)}; TMPDIR names another folder",
        )


@contextmanager
def in_one_order(report: Report) -> Iterator[Report]:
    """Yield a report whose rows are in the input's order, also where they are in parts.

    Rows in parts are put into that order in a temporary folder, when they are first read.

    Args:
        report: As it was read.

    Raises:
        OutputError: The temporary folder cannot be made, or has no room.
    """
    if report.metadata.parts is None:
        yield report
        return
    with scratch_folder() as folder:
        try:
            yield in_input_order(report, lambda parts: _OrderedRows(parts, lambda: folder))
        except ScratchError as error:
            raise OutputError(error.strerror) from None


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a temporary folder that only this user can read, and remove it at the end.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder = TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(ScratchError.of(error).strerror) from None
    with folder as path:
        yield Path(path)


class _OrderedRows(OrderedRows):
    """Rows that are put in order in a temporary folder."""

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the rows in pieces.

        Raises:
            ScratchError: The temporary folder has no room for them.
            ReportError: A file of the report has changed.
        """
        try:
            staged = self.staged
        except OSError as error:
            raise ScratchError.of(error) from None
        return iter(staged)
