"""What the workbook says where there is nothing to count: a sentence, and no table of zeros."""

from __future__ import annotations

import io
from dataclasses import replace

import openpyxl
import pytest

from jobs.compare.verdict import RuleHolds, Verdict
from jobs.render.excel.workbook import write_excel
from jobs.render.html.excerpt import most_moved
from jobs.render.language import Language
from jobs.report.info import Metadata
from tests.night import with_members

FIRST = {Language.EN: "No comparison: this is the first report.", Language.ZH: "这是第一份报告"}
QUIET = {
    Language.EN: "Nothing changed since 2025-03-03.",
    Language.ZH: "自 2025-03-03 以来没有任何变化。",
}
SHEETS = {
    Language.EN: ("Summary", "Organizations", "Transitions", "Trend", "Changes", "Unknown"),
    Language.ZH: ("摘要", "机构", "状态迁移", "趋势", "变更", "未知"),
}


def sheets(report, language=Language.EN):
    """Return the rows of each sheet but the last, under its English name."""
    file = io.BytesIO()
    write_excel(report, file, language)
    book = openpyxl.load_workbook(file)
    return {
        english: [
            [cell for cell in row if cell is not None]
            for row in book[name].iter_rows(values_only=True)
        ]
        for english, name in zip(SHEETS[Language.EN], SHEETS[language], strict=True)
    }


def column(rows):
    return [row[0] for row in rows if row]


@pytest.mark.parametrize("language", Language)
def test_a_first_report_has_no_comparison(report_of, nights, language):
    found = sheets(report_of({"A/a": "ON", "B/b": "OFF", "B/c": "ON"}, nights[0]), language)
    assert any(FIRST[language] in str(cell) for cell in column(found["Summary"]))
    assert len(found["Transitions"]) == len(found["Trend"]) == 1
    assert FIRST[language] in found["Transitions"][0][0]
    assert len(found["Changes"]) == 4, "every pair is new"
    if language is Language.EN:
        assert found["Trend"] == [["So far there is one run only."]]
        assert found["Unknown"] == [["Every pair has a valid answer."]]
        assert not {"Gained and lost", "Changes"} & set(column(found["Summary"]))
        assert found["Organizations"] == [
            ["organization_id", "share ON", "ON", "OFF", "NONE", "UNKNOWN", "pairs"],
            ["B", 0.5, 1, 1, 0, 0, 2],
            ["A", 1, 1, 0, 0, 0, 1],
        ]


@pytest.mark.parametrize("language", Language)
def test_a_quiet_night_says_since_when_nothing_changed(after, language):
    same = {"A/a": "ON", "B/b": "OFF"}
    found = sheets(after(same, same), language)
    assert QUIET[language] in column(found["Summary"])
    assert found["Transitions"] == found["Changes"] == [[QUIET[language]]]
    if language is Language.EN:
        assert not {"Gained and lost", "Changes"} & set(column(found["Summary"]))
        assert found["Organizations"][0][1] == "share ON"


def test_where_nobody_answered_it_shows_what_was_last_known(after):
    known = {"A/a": "ON", "A/b": "ON", "B/c": "OFF"}
    found = sheets(after(known, dict.fromkeys(known, "UNKNOWN")))
    summary = found["Summary"]
    assert "No pair has a valid answer in this run. These are the states last known." in column(
        summary
    )
    assert ["ON", 2, pytest.approx(2 / 3)] in summary
    assert ["OFF", 1, pytest.approx(1 / 3)] in summary
    assert not any("Nothing changed" in str(cell) for row in summary for cell in row)
    nothing = [["No pair has a valid answer in this run: nothing is claimed."]]
    assert found["Transitions"] == found["Changes"] == nothing
    assert found["Organizations"] == [
        ["organization_id", "last known ON", "share ON", "pairs"],
        ["A", 2, 1, 2],
        ["B", 0, 0, 1],
    ]
    assert len(found["Unknown"]) == 4


def test_where_nobody_answered_on_the_first_night_there_is_no_comparison(report_of, nights):
    found = sheets(report_of({"A/a": "UNKNOWN"}, nights[0]))
    assert FIRST[Language.EN] in column(found["Summary"])
    assert found["Transitions"] == found["Changes"] == [[FIRST[Language.EN]]]


def test_one_organization_is_a_line_and_none_is_said(after):
    report = after({"A/a": "ON"}, {"A/a": "OFF"})
    assert len(sheets(report)["Organizations"]) == 2
    summary = report.about["summary"] | {"by_organization": {}}
    assert sheets(with_members(report, {"summary": summary}))["Organizations"] == [
        ["There is no organization: no pair is in the input."]
    ]


def test_organizations_stand_in_the_order_of_the_page(after):
    before = {f"{org}/{n}": "ON" if n < 5 else "OFF" for org in "ABCDE" for n in range(8)}
    now = before | {
        "B/0": "OFF", "B/1": "NONE", "D/0": "OFF", "D/5": "ON", "C/0": "OFF", "E/5": "ON",
    }  # fmt: skip
    report = after(before, now)
    shown = [row[:4] for row in sheets(report)["Organizations"]]
    assert shown == [
        ["organization_id", "lost", "gained", "net"],
        ["B", 2, 0, -2], ["D", 1, 1, 0], ["C", 1, 0, -1], ["E", 0, 1, 1], ["A", 0, 0, 0],
    ]  # fmt: skip
    page = most_moved(report.summary, 5).shown
    assert [row[0] for row in shown[1:]] == [name for name, _ in page]


def test_the_verdict_stands_before_the_headline_where_the_exit_code_is_not_0(after):
    report = after({"A/a": "ON"}, {"A/a": "OFF"})
    verdict = Verdict([RuleHolds("closed>0", "closed", 1, None, ">", "0")])
    run = report.about["run"] | {
        "exit_code": int(verdict.exit_code),
        "verdict": list(verdict.sentences),
        "reasons": verdict.to_json(),
    }
    report = replace(report, metadata=Metadata.from_json(report.about | {"run": run}))
    summary = column(sheets(report)["Summary"])
    assert summary[0].startswith("The run ended with exit code 10. A rule of --fail-on holds")
    assert summary[1].startswith("2025-03-04: of 1 pair 0 are ON")


def test_a_long_headline_is_wrapped_over_the_first_columns_and_not_cut(after):
    report = after({"A/a": "ON"}, {"A/a": "OFF"})
    file = io.BytesIO()
    write_excel(report, file)
    sheet = openpyxl.load_workbook(file)["Summary"]
    assert "A1:J1" in map(str, sheet.merged_cells.ranges)
    assert sheet["A1"].alignment.wrap_text
    assert sheet.row_dimensions[1].height > 30
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.page_setup.fitToHeight is None, "which means one page of paper"
