"""The sheets Organizations and By column: who lost and who gained, those that lost most first.

Numbers and order are those of the HTML page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from jobs.compare.column_counts import most_changed
from jobs.compare.organizations import OrganizationCounts
from jobs.plurals import filled
from jobs.render.excel.cells import Cell, coded, ratio
from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import ROWS_LEFT_OUT, Sheet
from jobs.render.html.excerpt import largest, most_moved
from jobs.render.language import Translate
from jobs.render.numbers import LOSSES_FIRST, nobody_answered
from jobs.render.text import no_change
from jobs.report.model import Report
from jobs.schema import HIDDEN, Change, State

__all__ = ["write_by_column", "write_organizations"]

_CHANGES: Final = [change for change in LOSSES_FIRST if change is not Change.UNKNOWN]
"""Changes that have a column beside the states, which include UNKNOWN already."""


def write_organizations(report: Report, sheet: Sheet, translate: Translate) -> None:
    """Write a line for each organization.

    Those that lost most stand first; where nothing can have been lost, those with most pairs.
    """
    summary = report.summary
    own = summary.by_organization
    if not own:
        sheet.line(translate("There is no organization: no pair is in the input."), Style.REMARK)
        return
    still = _nothing_moved(report)
    ranked = (largest if still else most_moved)(summary, len(own)).shown
    columns = [Column(translate("organization_id"), Kind.TEXT), *_headings(report, translate)]
    rows = [[name, *_cells(report, counts, still=still)] for name, counts in ranked]
    _listing(sheet, columns, rows, translate, fixed=1)


def write_by_column(
    report: Report,
    by: Mapping[str, Mapping[str, OrganizationCounts]],
    sheet: Sheet,
    translate: Translate,
) -> None:
    """Write a line for each value of each column; a filter selects those of one column."""
    still = _nothing_moved(report)
    columns = [
        Column(translate("column"), Kind.TEXT),
        Column(translate("value"), Kind.TEXT),
        *_headings(report, translate),
    ]
    rows: list[Sequence[Cell]] = [
        [column, value or translate("(empty)"), *_cells(report, counts, still=still)]
        for column, values in by.items()
        for value, counts in most_changed(values)
    ]
    _listing(sheet, columns, rows, translate, fixed=2)


def _nothing_moved(report: Report) -> bool:
    """Return True where all that could be said of losses and gains would be zeros."""
    return nobody_answered(report) or no_change(report) is not None


def _headings(report: Report, translate: Translate) -> list[Column]:
    states = [Column(translate(state)) for state in State]
    share, pairs = Column(translate("share ON"), Kind.SHARE), Column(translate("pairs"))
    if nobody_answered(report):
        return [Column(translate("last known ON")), share, pairs]
    if _nothing_moved(report):
        return [share, *states, pairs]
    shares = ("share ON before", "share ON after", "share lost")
    compared = report.metadata.baseline is not None
    return [
        Column(translate("lost")),
        Column(translate("gained")),
        Column(translate("net"), Kind.NET),
        *(Column(translate(name), Kind.SHARE) for name in shares if compared),
        *states,
        pairs,
        Column(translate("hidden")),
        *(Column(coded(change, translate)) for change in _CHANGES),
    ]


def _cells(report: Report, counts: OrganizationCounts, *, still: bool) -> list[Cell]:
    """Return the cells below the headings; what an earlier version did not count is empty."""
    if nobody_answered(report):
        return [counts.on_after, ratio(counts.on_after, counts.pairs), counts.pairs]
    states = [counts.states[state] for state in State]
    if still:
        return [ratio(counts.states[State.ON], counts.pairs), *states, counts.pairs]
    shares = [
        ratio(counts.on_before, counts.pairs_before),
        ratio(counts.on_after, counts.pairs),
        ratio(counts.lost, counts.on_before),
    ]
    return [
        counts.lost,
        counts.gained,
        counts.net,
        *(shares if report.metadata.baseline is not None else []),
        *states,
        counts.pairs,
        _sum(counts, HIDDEN),
        *(_sum(counts, [change]) for change in _CHANGES),
    ]


def _sum(counts: OrganizationCounts, kinds: Iterable[Change]) -> int:
    return sum(counts.changes.get(kind, 0) for kind in kinds)


def _listing(
    sheet: Sheet,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    translate: Translate,
    *,
    fixed: int,
) -> None:
    fit = sheet.room(len(rows))
    if fit < len(rows):
        sheet.line(filled(translate(ROWS_LEFT_OUT), count=len(rows) - fit), Style.WARNING)
    sheet.listing(columns, rows[:fit], fixed=fixed)
