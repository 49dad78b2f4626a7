"""A report of some people only: nothing about anybody else is left in it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from jobs.compare.summary import Summary, summarize_part
from jobs.errors import UsageError
from jobs.extract.chosen_rows import chosen_rows
from jobs.report.chunks import RowChunks
from jobs.report.model import Report, recheck_alone
from jobs.report.part_info import ColumnValue, PartInfo
from jobs.schema import ROWS, Array, Change, carried_columns
from palm.text.printable import shown_value

__all__ = ["column_values", "only_people", "part_of", "unknown_column", "with_rows_of"]

_MOST_NAMED: Final = 20
"""Columns that a message names."""
_WHOLE: Final = PartInfo(
    comparison=False, rewritten=False, known_before_only=0, organizations=(), where=()
)


def only_people(
    report: Report, organizations: Sequence[str], where: Sequence[ColumnValue]
) -> Report:
    """Return the report of the people of some organizations, or with some values of a column.

    Values of one column are alternatives; different columns all have to match. The counts and the
    controls are those of these people. What is about others as well is left out: the input, how the
    gateway was asked, the verdict, and the history.

    Args:
        report: A report, a comparison, or a part of either.
        organizations: Each an ``organization_id``; empty: all of them.
        where: Values of columns carried over from the input.

    Raises:
        UsageError: The report has no such organization, or nobody is left.
    """
    if not organizations and not where:
        return report
    named: set[str] = set()

    def choose(rows: pd.DataFrame) -> Array:
        named.update(map(str, rows["organization_id"].cat.categories))
        wanted = np.ones(len(rows), dtype=bool)
        if organizations:
            wanted &= rows["organization_id"].isin(list(organizations)).to_numpy(bool)
        for column in dict.fromkeys(each.column for each in where):
            values = [each.value for each in where if each.column == column]
            wanted &= column_values(rows, column).isin(values).to_numpy(bool)
        return wanted

    content = chosen_rows(report, choose)
    _check_organizations(sorted(named), organizations)
    if not len(content):
        raise UsageError("nobody in the report is selected by --organization and --where")
    part = part_of(report.metadata.part, organizations, where)
    return with_rows_of(report, content, part)


def part_of(
    before: PartInfo | None, organizations: Sequence[str], where: Sequence[ColumnValue]
) -> PartInfo:
    """Return how the rows are selected where a report is filtered, which may be a part already.

    Args:
        before: How the rows of the report were selected; None if it is whole.
        organizations: Each an ``organization_id``; empty: all of them.
        where: Values of columns carried over from the input.
    """
    before = before or _WHOLE
    return replace(
        before,
        known_before_only=0,
        organizations=_both(before.organizations, organizations),
        where=(*before.where, *(each for each in where if each not in before.where)),
    )


def with_rows_of(report: Report, content: pd.DataFrame | RowChunks, part: PartInfo) -> Report:
    """Return a report of some rows with the counts and the controls of these rows.

    Args:
        report: A report, a comparison, or a part of either.
        content: Those of its rows that are kept.
        part: How they were selected.
    """
    if isinstance(content, pd.DataFrame):
        content = _with_own_categories(content.reset_index(drop=True))
    baseline, run = report.metadata.baseline, report.metadata.run
    before = baseline.run_date if baseline else None
    summary, were_here = Summary.empty(), 0
    for rows in replace(report, content=content).chunks():
        summary += summarize_part(rows, baseline_run_date=before)
        were_here += _were_here(rows, before)
    metadata = replace(
        report.metadata,
        run=run and replace(run, verdict=(), parent=None, exit_code=None, reasons=None),
        input=None,
        asking=None,
        evidence=None,
        history=None,
        baseline=baseline and replace(baseline, pairs=were_here),
        summary=summary.listed(),
        only=report.metadata.rows_chosen or "people",
        part=part,
    )
    chosen = Report(content, metadata)
    return replace(chosen, metadata=replace(metadata, controls=recheck_alone(chosen)))


def _with_own_categories(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without the names of categories that none of them has: those of others."""
    for name in rows.columns:
        if isinstance(rows[name].dtype, pd.CategoricalDtype) and name in _OPEN_SETS:
            rows[name] = rows[name].cat.remove_unused_categories()
    return rows


def _were_here(rows: pd.DataFrame, before: date | None) -> int:
    """Return how many pairs of these rows were in the input of the report before."""
    if before is None:
        return 0
    here = rows["last_in_input"] == pd.Timestamp(before)
    return int((here & (rows["state"].notna() | (rows["change"] == Change.DROPPED))).sum())


_OPEN_SETS: Final = ("organization_id", "error_code")
"""Columns of categories whose names come from the input or from the gateway."""


def column_values(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return the values of a column as text, empty where a row has none.

    Raises:
        UsageError: It is not ``organization_id`` or a column carried over from the input.
    """
    carried = carried_columns(rows.columns, ROWS)
    if column != "organization_id" and column not in carried:
        raise unknown_column(column, carried)
    return rows[column].astype("object").where(rows[column].notna(), "").astype("str")


def unknown_column(column: str, carried: Sequence[str], where: str = "report") -> UsageError:
    """Return the error of a column that was not carried over from the input.

    Args:
        column: Its name.
        carried: The columns that were carried over.
        where: What has them: the report, or the input.
    """
    known = ", ".join(carried[:_MOST_NAMED])
    more = f" and {len(carried) - _MOST_NAMED} more" if len(carried) > _MOST_NAMED else ""
    there = f" (there are: {known}{more})" if carried else " (it has none but the two keys)"
    if column in ROWS:
        return UsageError(
            f"{shown_value(column)} is a column of the report; name one of the input's own columns"
            f"{there}"
        )
    near = difflib.get_close_matches(column, carried, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    of_input = "" if where == "input" else " of the input"
    return UsageError(f"the {where} has no column {shown_value(column)}{of_input}{hint}{there}")


def _check_organizations(named: Sequence[str], organizations: Sequence[str]) -> None:
    for each in organizations:
        if each not in named:
            near = [name for name in named if name.lstrip("0") == each.lstrip("0")]
            near = near or difflib.get_close_matches(each, named, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"the report has no organization {shown_value(each)}{hint}")


def _both(before: tuple[str, ...], more: Sequence[str]) -> tuple[str, ...]:
    """Return the organizations that are left where a part is filtered again."""
    more = tuple(dict.fromkeys(more))
    if not before or not more:
        return before or more
    return tuple(each for each in before if each in more)
