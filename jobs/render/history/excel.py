"""A history as an Excel workbook: every number as a number, plots as Excel's own charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import BinaryIO, Final

import xlsxwriter

from jobs.history.model import Gap, History, Night
from jobs.render.excel.cells import Cell, ratio
from jobs.render.excel.sheet import Column, Kind, Style, formats_of
from jobs.render.history.excel_organizations import (
    write_organization_nights,
    write_organizations,
)
from jobs.render.history.excel_parts import DATE_AXIS, LOST, ON, Book, serial, series
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

_CHART: Final = {"width": 760, "height": 260}
_ROWS_PER_CHART: Final = 14


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
    parts = Book(book, formats_of(book), translate)
    _nights(history, parts)
    write_organizations(history, parts)
    write_organization_nights(history, parts)
    _people(history, parts)
    _durations(history, parts)
    _arrivals(history, parts)
    sheet, _, _ = parts.sheet("Definitions")
    sheet.line(translate("What the words mean"), Style.TITLE)
    columns = [Column(translate("word"), Kind.TEXT), Column(translate("meaning"), Kind.NOTE)]
    words = [(translate(word), translate(meaning)) for word, meaning in DEFINITIONS.items()]
    sheet.block("", columns, words)
    book.close()
    file.write(packed.getbuffer())


def _nights(history: History, parts: Book) -> None:
    translate = parts.translate
    sheet, tab, name = parts.sheet("Nights")
    sheet.line(headline(history, translate), Style.TITLE)
    said = warnings(history, translate)
    for warning in said:
        sheet.line(warning, Style.WARNING)
    top = 1 + len(said)
    numbers = ("ON", "OFF", "NONE", "gained", "lost", "hidden", "unknown", "new", "dropped", "exit")
    columns = [
        Column(translate("night"), Kind.DATE),
        Column(translate("pairs")),
        Column(translate("share ON"), Kind.SHARE),
        *(Column(translate(each)) for each in numbers),
        Column(translate("note"), Kind.TEXT),
        Column("run_id", Kind.TEXT),
    ]
    rows = list(_night_rows(history, translate))
    sheet.listing(columns, rows, fixed=1)
    bottom = top + len(rows)
    dates = [name, top + 1, 0, bottom, 0]
    on = parts.chart("line", translate("ON, all organizations"), num_format="#,##0")
    on.add_series(series(translate("ON"), dates, [name, top + 1, 3, bottom, 3]))
    flows = parts.chart("column", translate("Gained and lost, each night"), num_format="#,##0")
    for at, label, colour in ((6, "gained", ON), (7, "lost", LOST)):
        flows.add_series(
            {"name": translate(label), "categories": dates, "gap": 60,
             "values": [name, top + 1, at, bottom, at], "fill": {"color": colour}}
        )  # fmt: skip
    for number, chart in enumerate((on, flows)):
        chart.set_x_axis(DATE_AXIS)
        chart.set_legend({"position": "bottom"} if number else {"none": True})
        chart.set_size(_CHART)
        tab.insert_chart(top + 1 + number * _ROWS_PER_CHART, len(columns) + 1, chart)


def _night_rows(history: History, translate: Translate) -> Iterator[Sequence[Cell]]:
    for line in history.lines():
        if isinstance(line, Gap):
            for day in line.dates():
                yield [serial(day), *[None] * 12, translate("no report"), None]
        else:
            yield _night_row(line, translate)


def _night_row(night: Night, translate: Translate) -> Sequence[Cell]:
    return [
        serial(night.run_date),
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


def _people(history: History, parts: Book) -> None:
    translate = parts.translate
    keys = [Column("organization_id", Kind.TEXT), Column("openid", Kind.TEXT)]
    sheet, _, _ = parts.sheet("Often")
    sheet.line(turns_sentence(history, translate), Style.TITLE)
    often = history.turns.often_pairs
    sheet.listing(
        [*keys, Column(translate("turns")), Column(translate("last turn"), Kind.DATE)],
        [(each.organization_id, each.openid, each.turns, serial(each.last)) for each in often],
        fixed=2,
    )
    sheet, _, _ = parts.sheet("Never back")
    sheet.line(lost_sentence(history, translate), Style.TITLE)
    gone = history.turns.never_back_pairs
    sheet.listing(
        [*keys, Column(translate("lost on"), Kind.DATE)],
        [(each.organization_id, each.openid, serial(each.lost)) for each in gone],
        fixed=2,
    )


def _durations(history: History, parts: Book) -> None:
    translate = parts.translate
    sheet, tab, name = parts.sheet("Durations")
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
    chart = parts.chart(
        "scatter", translate("How long an authorization lasts"), num_format="0%", min=0, max=1
    )
    chart.add_series(
        series(translate("still ON"), [name, 2, 0, len(steps) + 1, 0],
                [name, 2, 3, len(steps) + 1, 3])
    )  # fmt: skip
    chart.set_x_axis({"name": translate("days"), "min": 0})
    chart.set_legend({"none": True})
    chart.set_size(_CHART)
    tab.insert_chart(2, len(columns) + 1, chart)


def _arrivals(history: History, parts: Book) -> None:
    translate = parts.translate
    sheet, _, _ = parts.sheet("Arrivals")
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
                serial(week.monday),
                week.arrived,
                week.converted,
                ratio(week.converted, week.arrived),
                translate("so far") if week.so_far else None,
            )
            for week in history.arrivals.weeks
        ],
        fixed=1,
    )
