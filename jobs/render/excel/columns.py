"""The sheet By column: counts, gain and loss by the values of columns of the input."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.compare.column_counts import most_changed
from jobs.compare.organizations import OrganizationCounts
from jobs.plurals import filled
from jobs.render.excel.cells import Cell, ratio
from jobs.render.excel.sheet import Column, Kind, Sheet, Style
from jobs.render.language import Translate
from jobs.schema import State

__all__ = ["write_by_column"]


def write_by_column(
    by: Mapping[str, Mapping[str, OrganizationCounts]], sheet: Sheet, translate: Translate
) -> None:
    """Write a line for each value of each column; a filter selects those of one column."""
    columns = [
        Column(translate("column"), Kind.TEXT),
        Column(translate("value"), Kind.TEXT),
        Column(translate("pairs")),
        *(Column(state.value) for state in State),
        Column(translate("gained")),
        Column(translate("lost")),
        Column(translate("net change"), Kind.NET),
        Column(translate("share ON"), Kind.SHARE),
    ]
    rows: list[list[Cell]] = [
        [
            column,
            value or translate("(empty)"),
            counts.pairs,
            *(counts.states[state] for state in State),
            counts.gained,
            counts.lost,
            counts.net,
            ratio(counts.states[State.ON], counts.pairs),
        ]
        for column, values in by.items()
        for value, counts in most_changed(values)
    ]
    fit = sheet.room(len(rows))
    if fit < len(rows):
        sheet.line(
            filled(
                translate(
                    "{count:,} more {count:row does|rows do} not fit on a sheet of Excel; Parquet "
                    "and CSV have them all."
                ),
                count=len(rows) - fit,
            ),
            Style.WARNING,
        )
    sheet.listing(columns, rows[:fit], fixed=2)
