"""The report of a run, put together: rows, metadata, and the controls of both."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from jobs.compare.summary import Summary
from jobs.input.pairs import Input
from jobs.report.chunks import RowChunks, RowParts
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
from jobs.report.model import Report, recheck
from jobs.report.parquet import stored_files
from jobs.report.part_info import PartsInfo
from jobs.report.request_info import ClusterInfo, RequestInfo

__all__ = ["baseline_info", "compose"]

_HISTORY: Final = 90
_BLOCK: Final = 1 << 20


def compose(
    content: pd.DataFrame | RowChunks | RowParts,
    summary: Summary,
    *,
    run: RunInfo,
    gateway: GatewayId,
    source: Input,
    baseline: Report | None,
    baseline_file: Path | None,
    asking: RequestInfo,
    parts: PartsInfo | None = None,
    cluster: ClusterInfo | None = None,
) -> Report:
    """Return the report of a run.

    Args:
        content: The rows, as :func:`jobs.compare.changes.classify` returned them, in memory or in
            pieces.
        summary: The counts of the rows.
        run: The run and its verdict.
        gateway: The gateway that answered.
        source: The input.
        baseline: The report that was compared with.
        baseline_file: The file of the baseline.
        asking: The requests to the gateway.
        parts: Into how many files the rows are divided, which then are ``RowParts``; None: they
            are in one file.
        cluster: The workers that asked; None: there was none.
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
        cluster=cluster,
        history=_history(run, summary, baseline),
        controls=(),
        parts=parts,
    )
    report = Report(content, metadata)
    return replace(report, metadata=replace(metadata, controls=recheck(report, baseline)))


def baseline_info(baseline: Report, path: Path) -> BaselineInfo:
    """Return what a report says of the one that it is compared with, which was read from files.

    Args:
        baseline: The report that it is compared with.
        path: Its file, or the folder of its parts, whose checksum is that of all their bytes, one
            file after the other.

    Raises:
        OSError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for file in stored_files(path):
        with file.open("rb") as stored:
            while block := stored.read(_BLOCK):
                digest.update(block)
    return BaselineInfo(
        run_id=baseline.run_id,
        run_date=baseline.run_date,
        sha256=digest.hexdigest(),
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
