"""The sheet Trend: the counts of the last runs, a line a night, and Excel's charts of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from xlsxwriter.chart import Chart

from jobs.plurals import filled
from jobs.render.excel.cells import Cell, coded, day_cell, ratio
from jobs.render.excel.charts import (
    COLOURS,
    LOST,
    ON,
    Cells,
    add_columns,
    add_line,
    chart,
)
from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import Sheet
from jobs.render.language import Translate
from jobs.render.numbers import LOSSES_FIRST
from jobs.report.info import HistoryEntry
from jobs.schema import Change, State

__all__ = ["write_trend"]

_CHANGES: Final = [change for change in LOSSES_FIRST if change is not Change.UNKNOWN]
_LONGEST_GAP: Final = timedelta(days=366)
"""Between two runs; a longer one would make a table of empty lines."""
_CHART: Final = {"width": 540, "height": 280}
_BETWEEN: Final = 12
"""Pixels from one chart to the next."""
_CHART_ROWS: Final = 15
_FIRST_STATE, _LOST, _GAINED = 2, 7, 8
"""Places of columns of the table."""


def write_trend(history: Sequence[HistoryEntry], sheet: Sheet, translate: Translate) -> None:
    """Write a table with a line for each night, and its charts above it.

    States are those last known, which a night of errors does not change; UNKNOWN is as answered.
    """
    if len(history) < 2:  # noqa: PLR2004 - a point is not a trend
        sheet.line(translate("So far there is one run only."), Style.REMARK)
        return
    rows = list(_rows(history, translate))
    sheet.line(
        filled(
            translate("{runs:,} {runs:run|runs} from {first} to {last}."),
            runs=len(history),
            first=history[0].run_date,
            last=history[-1].run_date,
        ),
        Style.TITLE,
    )
    sheet.line(
        translate(
            "ON, OFF and NONE are of what is last known, UNKNOWN is as answered. A night without "
            "a run is a gap."
        ),
        Style.REMARK,
    )
    top = sheet.skip(_CHART_ROWS)
    first = sheet.row + 1
    sheet.listing(_columns(translate), rows, fixed=None)
    _charts(Cells(sheet.name, first, first + len(rows) - 1), sheet, top, translate)


def _columns(translate: Translate) -> list[Column]:
    return [
        Column(translate("night"), Kind.DATE),
        Column(translate("share ON"), Kind.SHARE),
        *(Column(translate(state)) for state in State),
        Column(translate("pairs")),
        Column(translate("lost")),
        Column(translate("gained")),
        *(Column(coded(change, translate)) for change in _CHANGES),
        Column(translate("remark"), Kind.TEXT),
        Column(translate("run_id"), Kind.TEXT),
    ]


def _rows(history: Sequence[HistoryEntry], translate: Translate) -> Iterator[Sequence[Cell]]:
    """Yield a line for each run and for each night without one."""
    before: date | None = None
    for run in history:
        for day in _nights_between(before, run.run_date):
            empty = [None] * (len(State) + 4 + len(_CHANGES))
            yield [day_cell(day), *empty, translate("no run"), None]
        before = run.run_date
        states = [run.known.get(state, run.states[state]) for state in State]
        yield [
            day_cell(run.run_date),
            ratio(states[0], run.pairs),
            *states,
            run.pairs,
            run.loss,
            run.gain,
            *(run.changes[change] for change in _CHANGES),
            None,
            run.run_id,
        ]


def _nights_between(before: date | None, after: date) -> Iterator[date]:
    if before is None or after - before > _LONGEST_GAP:
        return
    day = before + timedelta(days=1)
    while day < after:
        yield day
        day += timedelta(days=1)


def _charts(cells: Cells, sheet: Sheet, top: int, translate: Translate) -> None:
    def over_nights(kind: str, title: str) -> Chart:
        return chart(
            sheet.book,
            kind,
            translate(title),
            x=translate("night"),
            y=translate("pairs"),
            nights=cells.nights,
        )

    on = over_nights("line", "ON, last known")
    add_line(on, translate(State.ON), cells, _FIRST_STATE)
    flows = over_nights("column", "Gained and lost per run")
    add_columns(flows, translate("gained"), cells, _GAINED, ON)
    add_columns(flows, translate("lost"), cells, _LOST, LOST)
    states = over_nights("line", "All states")
    for at, state in enumerate(State):
        add_line(states, translate(state), cells, _FIRST_STATE + at, COLOURS[state])
    for place, made in enumerate((on, flows, states)):
        if place:
            made.set_legend({"position": "bottom"})
        made.set_size(_CHART)
        sheet.insert(made, top, place * (_CHART["width"] + _BETWEEN))
