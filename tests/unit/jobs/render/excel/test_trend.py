"""The sheet Trend: a line a night, a gap where no run was, and charts over exactly these cells."""

from __future__ import annotations

import io
from datetime import date, timedelta

import openpyxl
import pytest

from jobs.render.excel.workbook import write_excel
from jobs.render.language import Language
from jobs.report.info import HistoryEntry
from tests.night import with_members


@pytest.fixture
def report(report_of, nights):
    return report_of({"A/a": "ON", "A/b": "OFF"}, nights[0])


def entry(report, day, on):
    own = report.metadata.history[-1]
    return HistoryEntry(
        run_date=day,
        run_id=f"run {day}",
        pairs=100,
        states=own.states | {"ON": on - 1, "UNKNOWN": 3},
        known=own.known | {"ON": on},
        changes=own.changes | {"CLOSED": 2, "OPENED": 4},
        gain=4,
        loss=2,
    ).to_json()


def trend(report, days, language=Language.EN):
    """Return the sheet of a report with runs on these dates, and the XML of its charts."""
    history = [entry(report, day, 10 + at) for at, day in enumerate(days)]
    file = io.BytesIO()
    write_excel(with_members(report, {"history": history}), file, language)
    book = openpyxl.load_workbook(file)
    return book["Trend" if language is Language.EN else "趋势"]


def rows(sheet):
    lines = list(sheet.iter_rows(values_only=True))
    top = next(at for at, line in enumerate(lines) if line[0] in {"night", "日期"})
    return [dict(zip(lines[top], line, strict=True)) for line in lines[top + 1 :]]


def test_a_night_without_a_run_is_a_line_without_numbers(report):
    found = rows(trend(report, [date(2025, 3, day) for day in (3, 4, 7)]))
    assert [row["night"].date() for row in found] == [date(2025, 3, day) for day in range(3, 8)]
    assert [row["ON"] for row in found] == [10, 11, None, None, 12], "as last known"
    assert [row["UNKNOWN"] for row in found] == [3, 3, None, None, 3]
    assert [row["lost"] for row in found] == [2, 2, None, None, 2]
    assert [row["CLOSED"] for row in found] == [2, 2, None, None, 2]
    assert [row["share ON"] for row in found] == [0.1, 0.11, None, None, 0.12]
    assert [row["remark"] for row in found] == [None, None, "no run", "no run", None]
    assert found[-1]["run_id"] == "run 2025-03-07"


def test_its_charts_have_dates_titles_of_axes_and_gaps(report):
    sheet = trend(report, [date(2025, 3, day) for day in (3, 4, 7)])
    on, flows, states = sheet._charts
    assert [len(chart.series) for chart in (on, flows, states)] == [1, 2, 4]
    for chart in (on, flows, states):
        assert chart.display_blanks == "gap"
        assert chart.x_axis.tagname == "dateAx"
        assert chart.x_axis.majorUnit == 1
        titles = [axis.title.tx.rich.p[0].r[0].t for axis in (chart.x_axis, chart.y_axis)]
        assert titles == ["night", "pairs"]
    top = next(cell.row for cell in sheet["A"] if cell.value == "night")
    headings = {cell.value: cell.column_letter for cell in sheet[top]}
    cells = [(f"'Trend'!${c}${top + 1}:${c}${top + 5}").replace("'", "") for c in headings.values()]
    places = dict(zip(headings, cells, strict=True))
    drawn = [
        (each.val.numRef.f, each.cat.numRef.f)
        for chart in (on, flows, states)
        for each in chart.series
    ]
    names = ["ON", "gained", "lost", "ON", "OFF", "NONE", "UNKNOWN"]
    assert drawn == [(places[name], places["night"]) for name in names]


def test_many_nights_name_a_few_of_their_dates(report):
    days = [date(2025, 1, 1) + timedelta(days=day) for day in range(90)]
    assert {chart.x_axis.majorUnit for chart in trend(report, days)._charts} == {8}


def test_a_gap_of_years_is_not_a_table_of_empty_lines(report):
    days = [date(1, 1, 1), date(2025, 3, 3), date(9999, 12, 31)]
    found = rows(trend(report, days))
    assert [row["ON"] for row in found] == [10, 11, 12]
    assert found[0]["night"] == "0001-01-01", "a day that Excel does not know is text"


def test_one_run_is_not_a_trend(report):
    sheet = trend(report, [date(2025, 3, 3)], Language.ZH)
    assert [row[0].value for row in sheet.rows] == ["目前只有一次运行。"]
    assert sheet._charts == []
