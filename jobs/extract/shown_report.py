"""A report as people see it: counts by a column, shown columns, hashes instead of openids. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from jobs.compare.column_counts import count_by_column
from jobs.extract.people import unknown_column
from jobs.extract.redaction import redacted
from jobs.person import Person
from jobs.report.model import Report

__all__ = ["check_columns", "shown_report"]


def shown_report(
    report: Report, *, by: Sequence[str], show: Sequence[str], person: Person | None
) -> Report:
    """Return a report as the formats that people read have it; Parquet and CSV hold the whole.

    Args:
        report: Whole, or a part.
        by: Columns carried over from the input; the report is counted by the values of each, too.
        show: Carried columns that stand beside the openid.
        person: Makes the hashes that replace openids; None: the openids stay.
    """
    baseline = report.metadata.baseline
    before = baseline.run_date if baseline else None
    counts = {
        name: count_by_column(report.chunks(), name, baseline_run_date=before)
        for name in dict.fromkeys(by)
    }
    report = replace(report, metadata=replace(report.metadata, by=counts or None))
    if person is not None:
        return redacted(report, person)
    return replace(report, show=tuple(dict.fromkeys(show)))


def check_columns(names: Iterable[str], carried: Sequence[str], where: str = "report") -> None:
    """Refuse columns that are not among the carried ones.

    Args:
        names: The columns that were asked for.
        carried: The columns carried over from the input.
        where: What has the carried columns, for the message.

    Raises:
        UsageError: One is unknown; the message names those there are.
    """
    for name in names:
        if name not in carried:
            raise unknown_column(name, carried, where)
