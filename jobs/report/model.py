"""The report: its rows and its metadata.

Every writer takes this value, so that the Parquet file, the JSON format and the terminal have the
same numbers (:mod:`jobs.report.info`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar

import pandas as pd

from jobs.compare.controls.check import Control, check
from jobs.compare.summary import Summary
from jobs.compare.verdict import Verdict
from jobs.input.pairs import Input
from jobs.report.info import (
    SCHEMA,
    BaselineInfo,
    GatewayId,
    HistoryEntry,
    Metadata,
    RunInfo,
    ToolInfo,
)
from jobs.report.input_info import InputInfo
from jobs.report.request_info import RequestInfo
from jobs.schema import ROWS, conform

__all__ = [
    "SCHEMA",
    "GatewayId",
    "Report",
    "ReportError",
    "baseline_info",
    "compose",
    "recheck",
    "recheck_alone",
]

KEY: Final = "palm_reconcile"
"""Key of the metadata in a Parquet file, and in ``DataFrame.attrs``."""
_HISTORY: Final = 90
_Member = TypeVar("_Member")


class ReportError(Exception):
    """A file is not a report that this version can read; the text says why and what to do."""


@dataclass(frozen=True)  # no slots: a cached property has to be kept somewhere
class Report:
    """Rows and metadata; neither may be changed in place.

    Attributes:
        rows: Columns ``ROWS`` and the carried ones.
        metadata: The metadata about the rows.
        show: Columns carried over from the input that the page, the workbook and tables in a
            terminal show beside the openid.
        unknown: Members of the metadata that only a later version knows; Parquet keeps them.
    """

    rows: pd.DataFrame
    metadata: Metadata
    show: tuple[str, ...] = ()
    unknown: Mapping[str, object] = field(default_factory=dict, repr=False)

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


def compose(
    rows: pd.DataFrame,
    summary: Summary,
    *,
    run: RunInfo,
    gateway: GatewayId,
    source: Input,
    baseline: Report | None,
    baseline_file: Path | None,
    asking: RequestInfo,
) -> Report:
    """Return the report of a run.

    Args:
        rows: The rows, as :func:`jobs.compare.changes.classify` returned them.
        summary: The counts of the rows.
        run: The run and its verdict.
        gateway: The gateway that answered.
        source: The input.
        baseline: The report that was compared with.
        baseline_file: The file of the baseline.
        asking: The requests to the gateway.
    """
    metadata = Metadata(
        schema=SCHEMA,
        run=run,
        tool=ToolInfo.installed(),
        gateway=gateway,
        input=InputInfo.of(source),
        baseline=baseline_info(baseline, baseline_file) if baseline and baseline_file else None,
        summary=summary,
        asking=asking,
        history=_history(run, summary, baseline),
        controls=(),
    )
    controls = _check(rows, metadata, *_compared(baseline))
    return Report(rows, replace(metadata, controls=controls))


def recheck(report: Report, baseline: Report | None) -> tuple[Control, ...]:
    """Return the controls, computed anew from a report as it was read back."""
    return _check(report.rows, report.metadata, *_compared(baseline))


def recheck_alone(report: Report) -> tuple[Control, ...]:
    """Return the controls of a whole report, computed anew without what it was compared with.

    Only that the opening is the baseline's closing cannot be checked then: each opening is compared
    with the one that the report itself claims.
    """
    before = report.metadata.baseline
    opening = {state: flow.opening for state, flow in report.summary.roll_forward.items()}
    return _check(
        report.rows,
        report.metadata,
        opening,
        before.run_date if before else None,
    )


def with_rows(rows: pd.DataFrame, metadata: Metadata) -> Report:
    """Return a report whose rows have exactly the columns and dtypes of ``ROWS``."""
    return Report(conform(rows, ROWS), metadata)


def _check(
    rows: pd.DataFrame,
    metadata: Metadata,
    baseline_closing: Mapping[str, int] | None,
    baseline_run_date: date | None,
) -> tuple[Control, ...]:
    counted, part = metadata.input, metadata.part
    names = ("lines", "pairs", "duplicates", "invalid")
    return check(
        rows,
        input_counts={name: getattr(counted, name) for name in names} if counted else None,
        summary=metadata.summary,
        baseline_closing=baseline_closing,
        baseline_run_date=baseline_run_date,
        opening_is_known=part is None or (part.comparison and not part.is_filtered),
    )


def _known(member: _Member | None) -> _Member:
    """Return a member of the metadata that every report of a night has."""
    if member is None:
        raise ValueError("this is not the report of a night")
    return member


def _compared(baseline: Report | None) -> tuple[dict[str, int] | None, date | None]:
    if baseline is None:
        return None, None
    closing = {state: flow.closing for state, flow in baseline.summary.roll_forward.items()}
    return closing, baseline.run_date


def baseline_info(baseline: Report, file: Path) -> BaselineInfo:
    """Return what a report says of the one that it is compared with, which was read from a file.

    Raises:
        OSError: The file cannot be read.
    """
    with file.open("rb") as stored:
        digest = hashlib.file_digest(stored, "sha256").hexdigest()
    return BaselineInfo(
        run_id=baseline.run_id,
        run_date=baseline.run_date,
        sha256=digest,
        pairs=baseline.summary.pairs,
    )


def _history(run: RunInfo, summary: Summary, baseline: Report | None) -> tuple[HistoryEntry, ...]:
    """Return the counts of the last runs, this one last."""
    before = (baseline.metadata.history if baseline else None) or ()
    this = HistoryEntry(
        run_date=run.date,
        run_id=run.id,
        pairs=summary.pairs,
        states=summary.states,
        known=summary.known,
        changes=summary.changes,
        gain=summary.gain,
        loss=summary.loss,
    )
    return (*before, this)[-_HISTORY:]
