"""Reads a report that was written as Parquet, and verifies it.

A file is refused if it does not have the content that was written: the checksums of the pages are
verified as they are read, then those of the metadata and of each column
(:mod:`jobs.report.metadata`), because those of the pages do not cover the footer and the headers of
pages.

A report with at most ``MOST_IN_MEMORY`` rows is read into memory. A larger one, and one in parts,
is read once to verify it, piece by piece, and again each time that its rows are needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from jobs.compare.controls.recount import Recount, RowCounter
from jobs.partitions.choice import MOST_IN_MEMORY
from jobs.report.info import Metadata
from jobs.report.metadata import read_mark, read_metadata, unknown_members
from jobs.report.model import KEY, Report, ReportError, recheck_alone
from jobs.report.parquet.errors import translated
from jobs.report.parquet.parts import StoredParts, find_parts, is_folder, metadata_file
from jobs.report.parquet.stored_rows import StoredRows, check_count, opened, stored_rows
from palm.files.regular import open_regular

__all__ = ["MOST_IN_MEMORY", "read_counted", "read_parquet", "read_report", "with_unknown"]


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> Report:
    """Read a report, and verify its checksums.

    Args:
        path: The report's file, or the folder of its parts.
        columns: Read only these, the others come out empty; ``()`` reads only the metadata.

    Raises:
        ReportError: A file cannot be read, is damaged, is not a report, or has an unknown version;
            or parts are missing, or of two runs.
    """
    return _read(path, columns, with_counts=False, most_in_memory=MOST_IN_MEMORY)[0]


def read_counted(
    path: Path, *, ending: str = "", most_in_memory: int = MOST_IN_MEMORY
) -> tuple[Report, Recount | None]:
    """Read a whole report, verify its checksums, and count its rows again in the same pass.

    Args:
        path: The report's file, or the folder of its parts.
        ending: Of the names of parts that are not in place yet.
        most_in_memory: Rows of one file that are read into memory.

    Returns:
        The report and, unless it is in memory, what its controls look at.

    Raises:
        ReportError: As :func:`read_parquet`.
    """
    return _read(path, None, with_counts=True, most_in_memory=most_in_memory, ending=ending)


def read_report(
    path: Path,
    take: Callable[[pd.DataFrame], object] = len,
    *,
    most_in_memory: int = MOST_IN_MEMORY,
) -> Report:
    """Read a report whole, verify its checksums, and check its own controls.

    The controls of a report with only some of the rows are not checked.

    Args:
        path: The report's file, or the folder of its parts.
        take: Is called with each piece of a report that is not read into memory, before all of
            them are known to be sound.
        most_in_memory: Rows of one file that are read into memory.

    Raises:
        ReportError: As :func:`read_parquet`; or a control does not hold.
    """
    report, recounted = _read(
        path, None, with_counts=True, most_in_memory=most_in_memory, take=take
    )
    if report.metadata.rows_chosen is not None:
        return report
    with translated(path):
        wrong = [control for control in recheck_alone(report, recounted) if not control.holds]
    if wrong:
        raise ReportError(
            f"{path} is damaged: the control {wrong[0].name} does not hold: {wrong[0].detail}"
        )
    return report


def with_unknown(report: Report, path: Path) -> Report:
    """Return a report with the members of its file's metadata that only a later version knows.

    Args:
        report: As :func:`read_report` returned it.
        path: The report's file, or the folder of its parts.

    Raises:
        ReportError: The file can no longer be read.
    """
    path = metadata_file(path)
    with translated(path), open_regular(path) as file:
        text = (pq.read_metadata(file).metadata or {})[KEY.encode()]
        return replace(report, unknown=unknown_members(json.loads(text), report.about))


def _read(
    path: Path,
    columns: Sequence[str] | None,
    *,
    with_counts: bool,
    most_in_memory: int,
    ending: str = "",
    take: Callable[[pd.DataFrame], object] = len,
) -> tuple[Report, Recount | None]:
    """Read and verify a report.

    Returns:
        The report and, if its rows were read in pieces and ``with_counts``, what the controls look
        at.
    """
    stored, metadata = (
        find_parts(path, columns, ending) if is_folder(path) else _one_file(path, columns)
    )
    if isinstance(stored, StoredRows) and len(stored) <= most_in_memory:
        with translated(path):
            return Report(stored.verified_whole(), metadata), None
    report = Report(stored, metadata)
    if columns is not None and not columns:
        return report, None
    counter = None
    if with_counts and metadata.rows_chosen is None:
        before = metadata.baseline
        counter = RowCounter(
            report.row_count,
            before.run_date if before else None,
            metadata.parts.bits if metadata.parts else None,
        )
    with translated(path):
        files = stored.files if isinstance(stored, StoredParts) else [stored]
        for number, file in enumerate(files):
            file.verified(partial(_take, counter, number, take))
        return report, counter.recount(report.chunks) if counter else None


def _take(
    counter: RowCounter | None,
    number: int,
    take: Callable[[pd.DataFrame], object],
    rows: pd.DataFrame,
) -> None:
    if counter is not None:
        counter.add(rows, number)
    take(rows)


def _one_file(path: Path, columns: Sequence[str] | None) -> tuple[StoredRows, Metadata]:
    """Return the rows of a report in one file, not read yet, and its metadata."""
    with opened(path) as (file, identity):
        texts = file.metadata.metadata
        if mark := read_mark(texts, str(path)):
            raise ReportError(
                f"{path} is part {mark.number} of {mark.count} of a report, which is read whole: "
                f"name its folder, {path.parent}"
            )
        metadata = read_metadata(texts, str(path))
        if metadata.parts is not None:
            raise ReportError(f"{path} is damaged: it claims to be in parts, and is one file")
        stored = stored_rows(file, identity, path, columns)
    check_count(len(stored), metadata, path)
    return stored, metadata
