"""A history as an Excel workbook: every number as a number, plots as Excel's own charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import BinaryIO, Final

import xlsxwriter
from xlsxwriter.chart import Chart

from jobs.history.model import Gap, History, Night
from jobs.render.excel.cells import Cell, day_cell, ratio
from jobs.render.excel.charts import LOST, ON, Cells, add_columns, add_line, chart
from jobs.render.excel.looks import Column, Kind, Style
from jobs.render.excel.sheet import MOST_ROWS, Book, Sheet
from jobs.render.history.excel_organizations import (
    write_organization_nights,
    write_organizations,
)
from jobs.render.history.words import (
    DEFINITIONS,
    arrived_sentence,
    duration_sentence,
    headline,
    history_translator,
    lost_sentence,
    night_note,
    turns_sentence,
    warnings,
)
from jobs.render.language import Language, Translate

__all__ = ["write_history_excel"]

_CHART: Final = {"width": 900, "height": 300}
_ROWS_PER_CHART: Final = 16
_RIGHT_OF_DURATIONS: Final = 420
"""Pixels."""
_ON, _GAINED, _LOST = 3, 6, 7
"""Places of columns of the table of nights."""


def write_history_excel(history: History, file: BinaryIO, language: Language) -> None:
    """Write the workbook.

    Raises:
        OSError: The file cannot be written.
    """
    translate = history_translator(language)
    packed = BytesIO()
    book = xlsxwriter.Workbook(packed, {"in_memory": True})
    book.set_properties(
        {"title": f"palm-reconcile {history.first.run_date} {history.last.run_date}"}
    )
    parts = Book(book, translate, MOST_ROWS)
    _nights(history, parts, translate)
    write_organizations(history, parts, translate)
    write_organization_nights(history, parts, translate)
    _people(history, parts, translate)
    _durations(history, parts, translate)
    _arrivals(history, parts, translate)
    sheet = parts.sheet("Definitions")
    sheet.line(translate("What the words mean"), Style.TITLE)
    columns = [Column(translate("word"), Kind.TEXT), Column(translate("meaning"), Kind.PROSE)]
    words = [(translate(word), translate(meaning)) for word, meaning in DEFINITIONS.items()]
    sheet.block("", columns, words)
    book.close()
    file.write(packed.getbuffer())


def _nights(history: History, parts: Book, translate: Translate) -> None:
    sheet = parts.sheet("Nights")
    sheet.line(headline(history, translate), Style.TITLE)
    for warning in warnings(history, translate):
        sheet.line(warning, Style.WARNING)
    numbers = ("ON", "OFF", "NONE", "gained", "lost", "hidden", "unknown", "new", "dropped", "exit")
    columns = [
        Column(translate("night"), Kind.DATE),
        Column(translate("pairs")),
        Column(translate("share ON"), Kind.SHARE),
        *(Column(translate(each)) for each in numbers),
        Column(translate("note"), Kind.TEXT),
        Column(translate("run_id"), Kind.TEXT),
    ]
    rows = list(_night_rows(history, translate))
    cells = Cells(sheet.name, sheet.row + 1, sheet.row + len(rows))
    sheet.listing(columns, rows, fixed=1)
    if len(history.nights) > 1:
        _charts(cells, parts.sheet("Trend"), translate)


def _charts(cells: Cells, sheet: Sheet, translate: Translate) -> None:
    """Put what the nights' table shows over time on a sheet of its own."""

    def over_nights(kind: str, title: str) -> Chart:
        return chart(
            sheet.book,
            kind,
            translate(title),
            x=translate("night"),
            y=translate("pairs"),
            nights=cells.nights,
        )

    on = over_nights("line", "ON, all organizations")
    add_line(on, translate("ON"), cells, _ON)
    flows = over_nights("column", "Gained and lost, each night")
    add_columns(flows, translate("gained"), cells, _GAINED, ON)
    add_columns(flows, translate("lost"), cells, _LOST, LOST)
    flows.set_legend({"position": "bottom"})
    for made in (on, flows):
        made.set_size(_CHART)
        sheet.insert(made, sheet.skip(_ROWS_PER_CHART), 0)


def _night_rows(history: History, translate: Translate) -> Iterator[Sequence[Cell]]:
    for line in history.lines():
        if isinstance(line, Gap):
            for day in line.dates():
                yield [day_cell(day), *[None] * 12, translate("no report"), None]
        else:
            yield _night_row(line, translate)


def _night_row(night: Night, translate: Translate) -> Sequence[Cell]:
    return [
        day_cell(night.run_date),
        night.pairs,
        ratio(night.on, night.pairs),
        night.on,
        night.off,
        night.none,
        night.gained,
        night.lost,
        night.hidden,
        night.unknown,
        night.first_seen,
        night.dropped,
        night.exit_code,
        night_note(night, translate),
        night.run_id,
    ]


def _people(history: History, parts: Book, translate: Translate) -> None:
    keys = [Column(translate("organization_id"), Kind.TEXT), Column(translate("openid"), Kind.TEXT)]
    sheet = parts.sheet("Often")
    sheet.line(turns_sentence(history, translate), Style.TITLE)
    often = history.turns.often_pairs
    sheet.listing(
        [*keys, Column(translate("turns")), Column(translate("last turn"), Kind.DATE)],
        [(each.organization_id, each.openid, each.turns, day_cell(each.last)) for each in often],
        fixed=2,
    )
    sheet = parts.sheet("Never back")
    sheet.line(lost_sentence(history, translate), Style.TITLE)
    gone = history.turns.never_back_pairs
    sheet.listing(
        [*keys, Column(translate("lost on"), Kind.DATE)],
        [(each.organization_id, each.openid, day_cell(each.lost)) for each in gone],
        fixed=2,
    )


def _durations(history: History, parts: Book, translate: Translate) -> None:
    sheet = parts.sheet("Durations")
    sheet.line(duration_sentence(history, translate), Style.TITLE)
    steps = history.durations.steps
    columns = [
        Column(translate("days")),
        Column(translate("observed")),
        Column(translate("ended")),
        Column(translate("still ON"), Kind.SHARE),
    ]
    sheet.listing(columns, [(s.days, s.at_risk, s.ended, s.left) for s in steps], fixed=1)
    if not steps:
        return
    still = chart(
        sheet.book,
        "scatter",
        translate("How long an authorization lasts"),
        x=translate("days"),
        y=translate("still ON"),
        num_format="0%",
        limits=(0, 1),
    )
    add_line(still, translate("still ON"), Cells(sheet.name, 2, len(steps) + 1), len(columns) - 1)
    still.set_size(_CHART)
    sheet.insert(still, 2, _RIGHT_OF_DURATIONS)


def _arrivals(history: History, parts: Book, translate: Translate) -> None:
    sheet = parts.sheet("Arrivals")
    sheet.line(arrived_sentence(history, translate), Style.TITLE)
    sheet.listing(
        [
            Column(translate("week from"), Kind.DATE),
            Column(translate("arrived")),
            Column(translate("ON within 28 days")),
            Column(translate("share"), Kind.SHARE),
            Column(translate("note"), Kind.TEXT),
        ],
        [
            (
                day_cell(week.monday),
                week.arrived,
                week.converted,
                ratio(week.converted, week.arrived),
                translate("so far") if week.so_far else None,
            )
            for week in history.arrivals.weeks
        ],
        fixed=1,
    )
