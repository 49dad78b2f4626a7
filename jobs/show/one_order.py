"""A report in parts as one in the input's order, so that it is shown and written as any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final, Self

import pandas as pd

from jobs.errors import OutputError
from jobs.report.chunks import RowChunks
from jobs.report.model import Report
from jobs.store.files.filesystem import reason_of
from jobs.store.staging.row_stage import RowStage, StageOrder

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
    controls = tuple(each for each in report.controls if each.name != "parts")
    metadata = replace(report.metadata, parts=None, controls=controls)
    with scratch_folder() as folder:
        try:
            yield replace(report, content=_Ordered(report, folder), metadata=metadata)
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


class _Ordered:
    """The rows of a report in parts, in the input's order; pairs that are not in it follow."""

    def __init__(self, report: Report, folder: Path) -> None:
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
            ScratchError: The temporary folder has no room for them.
            ReportError: A file of the report has changed.
        """
        return iter(self._staged)

    @cached_property
    def _staged(self) -> RowChunks:
        stage = RowStage(self._folder, 0, StageOrder.INPUT)
        try:
            for number, rows in enumerate(self._report.chunks()):
                stage.add(number, rows)
            return stage.content()
        except OSError as error:
            raise ScratchError.of(error) from None
