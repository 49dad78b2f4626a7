"""The rows of a report that changed, or that have no good answer. Pure."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from jobs.errors import UsageError
from jobs.extract.chosen_rows import chosen_rows
from jobs.report.model import Report
from jobs.schema import NO_CHANGE, Array, State

__all__ = ["with_selected_rows"]


def with_selected_rows(report: Report, only: str, name: str) -> Report:
    """Return a report with some of the rows; its counts stay those of all.

    Args:
        report: From which they are chosen.
        only: ``changes`` or ``unanswered``.
        name: Of the report, for the message.

    Raises:
        UsageError: The report itself holds only others.
    """
    if (has := report.metadata.rows_chosen or only) != only:
        raise UsageError(
            f"{name} holds only the {has} of a report; name the whole one for --{only}"
        )
    content = chosen_rows(report, _changed if only == "changes" else _unanswered)
    return replace(report, content=content, metadata=replace(report.metadata, only=only))


def _changed(rows: pd.DataFrame) -> Array:
    return ~rows["change"].isin(NO_CHANGE).to_numpy(bool)


def _unanswered(rows: pd.DataFrame) -> Array:
    return (rows["state"] == State.UNKNOWN).to_numpy(bool)
