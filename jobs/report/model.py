"""The report: its rows and its metadata.

Every writer takes this value, so that the Parquet file, the JSON format and the terminal have the
same numbers (:mod:`jobs.report.info`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final, TypeVar

import pandas as pd

from jobs.compare.controls.check import Control, check
from jobs.compare.controls.recount import Recount, RowCounter
from jobs.compare.summary import Summary
from jobs.compare.verdict import Verdict
from jobs.report.chunks import ChunksInMemory, RowChunks, RowParts
from jobs.report.info import SCHEMA, GatewayId, Metadata, RunInfo
from jobs.report.input_info import InputInfo
from jobs.report.request_info import RequestInfo
from jobs.schema import ROWS, concatenated, conform

__all__ = [
    "SCHEMA",
    "GatewayId",
    "Report",
    "ReportError",
    "count_again",
    "recheck",
    "recheck_alone",
]

KEY: Final = "palm_reconcile"
"""Key of the metadata in a Parquet file, and in ``DataFrame.attrs``."""
_Member = TypeVar("_Member")


class ReportError(Exception):
    """A file is not a report that this version can read; the text says why and what to do."""


@dataclass(frozen=True)  # no slots: a cached property has to be kept somewhere
class Report:
    """Rows and metadata; neither may be changed in place.

    Attributes:
        content: The rows: in memory, or in pieces where they would take too much of it. Columns
            ``ROWS`` and the carried ones.
        metadata: The metadata about the rows.
        show: Columns carried over from the input that the page, the workbook and tables in a
            terminal show beside the openid.
        unknown: Members of the metadata that only a later version knows; Parquet keeps them.
    """

    content: pd.DataFrame | RowChunks | RowParts
    metadata: Metadata
    show: tuple[str, ...] = ()
    unknown: Mapping[str, object] = field(default_factory=dict, repr=False)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All rows in one frame; where they are in pieces, it takes the memory of all of them."""
        if isinstance(self.content, pd.DataFrame):
            return self.content
        return concatenated(list(self.content))

    @property
    def is_in_memory(self) -> bool:
        """Whether the rows are in memory, and not in pieces."""
        return isinstance(self.content, pd.DataFrame)

    @property
    def row_chunks(self) -> RowChunks:
        """The rows in pieces."""
        if isinstance(self.content, pd.DataFrame):
            return ChunksInMemory(self.content)
        return self.content

    @property
    def columns(self) -> list[str]:
        """The columns of the rows."""
        return [str(name) for name in self.content.columns]

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.content)

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the rows in pieces, in the report's order; at least one, which may be empty.

        Raises:
            OSError: The rows are in files, and one cannot be read.
            ReportError: The rows are in files, and one has changed.
        """
        yield from self.row_chunks

    def numbered_chunks(self) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield the pieces as :meth:`chunks` does, each after the number of its part.

        Of a report that is not in parts, it is 0.
        """
        if self.metadata.parts is None:
            yield from ((0, rows) for rows in self.chunks())
            return
        for number in range(self.metadata.parts.count):
            yield from ((number, rows) for rows in self.part(number))

    def part(self, number: int) -> RowChunks:
        """Return the rows of a part of a report that is in parts.

        Raises:
            ValueError: The report is not in parts.
        """
        if not isinstance(self.content, RowParts):
            raise ValueError("the report is not in parts")  # noqa: TRY004 - not its type is wrong
        return self.content.part(number)

    @cached_property
    def about(self) -> dict[str, object]:
        """The metadata as JSON, to be written."""
        return self.metadata.to_json()

    @property
    def run(self) -> RunInfo:
        """The run that made the report.

        Raises:
            ValueError: The rows were read without metadata, so it is not known.
        """
        return _known(self.metadata.run)

    @property
    def input(self) -> InputInfo:
        """The input of the run.

        Raises:
            ValueError: This is not the report of a night.
        """
        return _known(self.metadata.input)

    @property
    def asking(self) -> RequestInfo:
        """The requests to the gateway.

        Raises:
            ValueError: This is not the report of a night.
        """
        return _known(self.metadata.asking)

    @property
    def run_date(self) -> date:
        """The business date of the report; of a comparison, that of the later report.

        Raises:
            ValueError: The rows were read without metadata, so it is not known.
        """
        return self.run.date

    @property
    def run_id(self) -> str:
        """The id of the run that made the report.

        Raises:
            ValueError: The rows were read without metadata, so it is not known.
        """
        return self.run.id

    @property
    def timezone(self) -> str:
        """The name of the time zone in which formats for people show the report's times.

        It is the run's, or UTC for rows that another program wrote, whose run is not known.
        """
        return self.metadata.run.timezone if self.metadata.run else "UTC"

    @property
    def gateway(self) -> GatewayId:
        """The gateway that answered, and the merchant that asked.

        Raises:
            ValueError: The rows were read without metadata, so it is not known.
        """
        return _known(self.metadata.gateway)

    @property
    def verdict(self) -> Verdict | None:
        """How the run ended; None if an earlier version wrote sentences only."""
        return self.metadata.run.reasons if self.metadata.run else None

    @property
    def summary(self) -> Summary:
        """The counts of the rows."""
        return self.metadata.summary

    @property
    def controls(self) -> tuple[Control, ...]:
        """The equations that were checked before the report was published."""
        return self.metadata.controls


def recheck(
    report: Report, baseline: Report | None, recounted: Recount | None = None
) -> tuple[Control, ...]:
    """Return the controls, computed anew from a report as it was read back.

    Args:
        report: As it was read back.
        baseline: The report that it was compared with, or None.
        recounted: Its rows, counted with the run date of ``baseline``; None: they are counted here.
    """
    run_date = None if baseline is None else baseline.run_date
    if recounted is None:
        recounted = count_again(report, run_date)
    if baseline is None:
        return _check(report, None, recounted)
    closing = {state: flow.closing for state, flow in baseline.summary.roll_forward.items()}
    return _check(report, closing, recounted)


def recheck_alone(report: Report, recounted: Recount | None = None) -> tuple[Control, ...]:
    """Return the controls of a whole report, computed anew without what it was compared with.

    Only that the opening is the baseline's closing cannot be checked then: each opening is compared
    with the one that the report itself claims.

    Args:
        report: The report.
        recounted: Its rows, counted with the run date of what its metadata has as its baseline;
            None: they are counted here.
    """
    if recounted is None:
        before = report.metadata.baseline
        recounted = count_again(report, before.run_date if before else None)
    opening = {state: flow.opening for state, flow in report.summary.roll_forward.items()}
    return _check(report, opening, recounted)


def count_again(report: Report, baseline_run_date: date | None) -> Recount:
    """Return what the controls look at, counted from the rows of a report.

    Args:
        report: The report.
        baseline_run_date: Run date of the report compared with; None: there was none.
    """
    parts = report.metadata.parts
    counter = RowCounter(report.row_count, baseline_run_date, parts.bits if parts else None)
    for number, rows in report.numbered_chunks():
        counter.add(rows, number)
    return counter.recount(report.chunks)


def with_rows(rows: pd.DataFrame, metadata: Metadata) -> Report:
    """Return a report whose rows have exactly the columns and dtypes of ``ROWS``."""
    return Report(conform(rows, ROWS), metadata)


def _check(
    report: Report, baseline_closing: Mapping[str, int] | None, recounted: Recount
) -> tuple[Control, ...]:
    counted, part = report.metadata.input, report.metadata.part
    names = ("lines", "pairs", "duplicates", "invalid")
    return check(
        recounted,
        input_counts={name: getattr(counted, name) for name in names} if counted else None,
        summary=report.summary,
        baseline_closing=baseline_closing,
        opening_is_known=part is None or (part.comparison and not part.is_filtered),
    )


def _known(member: _Member | None) -> _Member:
    """Return a member of the metadata that every report of a night has."""
    if member is None:
        raise ValueError("this is not the report of a night")
    return member
