"""Rows of a report that another program filtered and wrote as Parquet, without the metadata."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.compare.summary import summarize
from jobs.report.info import SCHEMA, Metadata, ToolInfo
from jobs.report.model import KEY, Report, ReportError, recheck_alone
from jobs.report.part_info import PartInfo
from jobs.schema import ROWS, categories, conform
from palm.files.regular import open_regular

__all__ = ["is_rewritten", "read_rewritten"]

_CLOSED_SETS: Final = ("state", "previous_state", "change")
_NEEDED: Final = ("organization_id", "openid", *_CLOSED_SETS)


def is_rewritten(path: Path) -> bool:
    """Return True if a file is Parquet, has the columns of a report, and none of its metadata.

    A file with the key of the metadata, even if it is damaged, is not such a file.
    """
    try:
        with open_regular(path) as file:
            schema = pq.read_schema(file)
    except (OSError, ValueError, pa.ArrowException):
        return False
    ours = any(name.startswith(KEY.encode()) for name in schema.metadata or {})
    return not ours and set(_NEEDED) <= set(schema.names)


def read_rewritten(path: Path) -> Report:
    """Return the rows of a file without metadata; their counts are made anew.

    What pandas keeps in ``PANDAS_ATTRS`` is of the report before it was filtered, and not used.

    Raises:
        ReportError: The rows are not those of a report.
    """
    try:
        with open_regular(path) as file:
            rows = pq.read_table(file).to_pandas(ignore_metadata=True)
        rows = _as_rows(rows)
    except (OSError, ValueError, TypeError, pa.ArrowException):
        raise ReportError(f"{path} cannot be read as the rows of a report") from None
    if rows[["organization_id", "openid", "change"]].isna().to_numpy().any():
        raise ReportError(f"{path}: a row names no pair or no change")
    if rows.duplicated(["organization_id", "openid"]).any():
        raise ReportError(f"{path} has a pair twice; select the rows of one run date")
    summary = summarize(rows, baseline_run_date=None)
    metadata = Metadata(
        schema=SCHEMA,
        tool=ToolInfo.installed(),
        baseline=None,
        summary=summary,
        controls=(),
        only="rows",
        part=PartInfo(
            comparison=False, rewritten=True, known_before_only=0, organizations=(), where=()
        ),
    )
    report = Report(rows, metadata)
    return Report(rows, _with_controls(report))


def _as_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns in our types; a value that none of them has is refused."""
    for name in _CLOSED_SETS:
        if not rows[name].dropna().isin(list(categories(name).categories)).all():
            raise ValueError(name)
    made = conform(rows, ROWS)
    for name in _NEEDED:
        if (made[name].isna() & rows[name].notna()).any():
            raise ValueError(name)
    return made


def _with_controls(report: Report) -> Metadata:
    return replace(report.metadata, controls=recheck_alone(report))
