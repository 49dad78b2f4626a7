"""The rows of a report that changed, or that have no good answer. Pure."""

from __future__ import annotations

from dataclasses import replace

from jobs.errors import UsageError
from jobs.report.model import Report
from jobs.schema import NO_CHANGE, State

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
    wanted = (
        ~report.rows["change"].isin(NO_CHANGE)
        if only == "changes"
        else report.rows["state"] == State.UNKNOWN
    )
    rows = report.rows[wanted].reset_index(drop=True)
    return replace(report, content=rows, metadata=replace(report.metadata, only=only))
