"""The report that a run is compared with, and the report that it replaces.

If the output is a single file, the run is compared with the report that it replaces, if the run
date of that is earlier; it is kept as ``report.previous.parquet``. A second run of the same date is
compared with the same earlier report again, so that the changes of the night stay changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import pandas as pd

from jobs.compare.match import match
from jobs.compare.summary import summarize
from jobs.errors import InputError, UsageError
from jobs.input.keys import clean_rows
from jobs.partitions.partitioned import PartitionedFrame
from jobs.plurals import Quantity, counted
from jobs.report.model import GatewayId, Report, ReportError
from jobs.report.parquet import DeniedError, read_report
from jobs.report.parquet.read import MOST_IN_MEMORY
from jobs.store.days import dated_reports, report_in, standing_report
from jobs.store.files.filesystem import reason_of
from jobs.store.locations import previous_of

__all__ = ["Baseline", "check_dropped", "check_replaced", "check_required", "find_baseline"]

_Read: TypeAlias = Callable[[Path, str], Report]
"""Reads a report; what helps if that is not possible goes with the message."""

_WARNED_FROM: Final = 0.1
_NOT_REPLACED: Final = "move it away, or write to another file with --output"
_NOT_COMPARED: Final = "move it away, or name another report with --baseline"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The earlier reports that were found before the run.

    Attributes:
        report: The report to compare with; None if there is none.
        path: The file of that report; None if there is none.
        replaced: The report that the new one replaces; None if it replaces none.
    """

    report: Report | None
    path: Path | None
    replaced: Report | None


def find_baseline(
    output: Path | None,
    *,
    run_date: date,
    gateway: GatewayId,
    named: Path | None,
    wanted: bool = True,
    folder: Path | None = None,
    most_in_memory: int = MOST_IN_MEMORY,
) -> Baseline:
    """Return the report to compare with, and the one that will be replaced.

    Args:
        output: The file of the new report, or the folder of its parts; None if no Parquet file is
            written.
        run_date: The run date of the new report.
        gateway: The gateway of the new report.
        named: The report, or the folder of a day, that ``--baseline`` names; None if there is no
            such option.
        wanted: False if the run is compared with no report.
        folder: The folder that keeps one report a day, with ``output`` in it; None if there is
            none.
        most_in_memory: Rows of a report of one file that are read into memory.

    Raises:
        InputError: A report cannot be read.
        UsageError: A report is of another merchant or gateway, or of a later date.
    """
    read = partial(_read, most_in_memory=most_in_memory)
    standing = _standing(output, folder)
    replaced = read(standing, _NOT_REPLACED) if standing is not None else None
    named = None if named is None else report_in(named)
    named_report = read(named, "name another report with --baseline") if named is not None else None
    if (
        replaced is not None
        and standing is not None
        and not (named_report and named_report.run_id == replaced.run_id)
    ):
        _check_gateway(replaced, standing, gateway)
    if replaced is not None and replaced.run_date > run_date:
        raise UsageError(
            f"{standing} is a report of {replaced.run_date}, later than the run date {run_date}: "
            "write to another file, or set --run-date",
        )
    if not wanted:
        return Baseline(None, None, replaced)
    if named_report is not None:
        if named_report.run_date >= run_date:
            raise UsageError(
                f"the baseline {named} is of {named_report.run_date}, not earlier than the run "
                f"date {run_date}: name an earlier one, or set --run-date",
            )
        return Baseline(named_report, named, replaced)
    if folder is not None:
        return _newest_of(folder, run_date, gateway, replaced, read)
    if replaced is None or output is None:
        return Baseline(None, None, None)
    if replaced.run_date < run_date:
        return Baseline(replaced, output, replaced)
    return _as_before(output, replaced, read)


def check_replaced(
    replaced: Report | None, rows: PartitionedFrame, pairs: PartitionedFrame
) -> None:
    """Check that a report of the same date, which the run replaces, is about the same pairs.

    Args:
        replaced: The report; None if there is none of the same date.
        rows: Its rows, columns ``ROWS``.
        pairs: Of the input, columns ``PAIRS``.

    Raises:
        UsageError: Fewer than half of its pairs are in ``pairs``.
    """
    if replaced is None:
        return
    before, shared = _shared(rows, pairs)
    if 2 * shared < before:
        raise UsageError(
            f"the report of {replaced.run_date} that would be replaced has "
            f"{counted(before, 'pair')}, and only {shared:,} of them "
            f"{Quantity(shared):is|are} in this input: is it the right one? --replace replaces it",
        )


def check_required(baseline: Baseline, output: Path | None) -> None:
    """Check that there is an earlier report, as ``--require-baseline`` demands.

    Raises:
        InputError: No earlier report was found.
    """
    if baseline.report is None:
        where = f"at {output}" if output is not None else "(no Parquet file is among the outputs)"
        raise InputError(
            f"--require-baseline: there is no earlier report {where}: is its volume mounted? The "
            "first run of all goes without --require-baseline",
        )


def check_dropped(
    rows: PartitionedFrame, pairs: PartitionedFrame, max_dropped: float
) -> str | None:
    """Check how many pairs of the last report's input are missing from this input.

    Args:
        rows: Of the last report, columns ``ROWS``; empty if there is none.
        pairs: Of the input, columns ``PAIRS``.
        max_dropped: The share that may be missing.

    Returns:
        A warning if more than a tenth are missing, else None.

    Raises:
        InputError: The share of missing pairs is larger than ``max_dropped``.
    """
    if not len(rows):
        return None
    before, shared = _shared(rows, pairs)
    missing = before - shared
    sentence = (
        f"{missing:,} of {counted(before, 'pair')} of the last report "
        f"{Quantity(missing):is|are} missing from today's input"
    )
    if missing > max_dropped * before:
        raise InputError(
            f"{sentence} ({missing / before:.1%}, limit {max_dropped:.1%}): is it complete? "
            "If it is, add --max-dropped 1",
        )
    return sentence if missing > _WARNED_FROM * before else None


def _shared(rows: PartitionedFrame, pairs: PartitionedFrame) -> tuple[int, int]:
    """Return how many pairs were in a report's input, and how many of them are in this one."""
    before = shared = 0
    for number in range(1 << rows.bits):
        earlier = rows.frame(number)
        here = earlier[earlier["state"].notna()]
        before += len(here)
        shared += int((match(here, pairs.frame(number)).found >= 0).sum())
    return before, shared


def _newest_of(
    folder: Path, run_date: date, gateway: GatewayId, replaced: Report | None, read: _Read
) -> Baseline:
    """Return the newest report of an earlier date in a folder, without those of other merchants."""
    for day, path in dated_reports(folder):
        if day < run_date:
            report = read(path, _NOT_COMPARED)
            if report.gateway == gateway:
                return Baseline(report, path, replaced)
    return Baseline(None, None, replaced)


def _as_before(output: Path, replaced: Report, read: _Read) -> Baseline:
    """Return the baseline that the report of the same date was compared with."""
    compared = replaced.metadata.baseline
    if compared is None:
        return Baseline(None, None, replaced)
    path = previous_of(output)
    report = read(path, _NOT_COMPARED) if path.exists() else None
    if report is None or report.run_id != compared.run_id:
        raise InputError(
            f"{output} of the same date was compared with the report of {compared.run_date}, "
            f"which is not at {path}: name it with --baseline, or say --no-baseline",
        )
    return Baseline(report, path, replaced)


def _standing(output: Path | None, folder: Path | None) -> Path | None:
    """Return the report that stands at the output, or None if there is none.

    Raises:
        InputError: That cannot be known.
    """
    try:
        return None if output is None else standing_report(output, folder)
    except OSError as error:
        raise InputError(f"{output} cannot be read: {reason_of(error)}") from None


def _read(path: Path, remedy: str, *, most_in_memory: int) -> Report:
    are_clean = True

    def look(rows: pd.DataFrame) -> None:
        nonlocal are_clean
        are_clean = are_clean and clean_rows(rows) is rows

    try:
        report = read_report(path, look, most_in_memory=most_in_memory)
        if (what := report.metadata.not_a_night) is not None:
            raise ReportError(f"{path} {what}")  # noqa: TRY301
    except ReportError as error:
        mended = "let this user read it" if isinstance(error, DeniedError) else remedy
        raise InputError(f"{error}; {mended}") from None
    if not report.is_in_memory and are_clean:
        return report
    return _with_clean_keys(report)


def _with_clean_keys(report: Report) -> Report:
    """Return the report with its keys cleaned as those of an input are, and counted again.

    An earlier version removed less decoration, so two of its pairs may become one. Such a report is
    read into memory, however large it is.
    """
    rows = clean_rows(report.rows)
    if rows is report.rows:
        return report
    compared = report.metadata.baseline
    before = compared.run_date if compared else None
    summary = summarize(rows, baseline_run_date=before)
    metadata = replace(report.metadata, summary=summary, parts=None)
    return replace(report, content=rows, metadata=metadata)


def _check_gateway(replaced: Report, path: Path, gateway: GatewayId) -> None:
    if replaced.gateway != gateway:
        raise UsageError(
            f"{path} is a report of {replaced.gateway}, this run is of {gateway}: "
            "write to another file",
        )
