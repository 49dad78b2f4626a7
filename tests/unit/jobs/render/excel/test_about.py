"""The sheet About: its times are those of the run's zone, as on every other sheet."""

from __future__ import annotations

import io

import openpyxl

from jobs.render.excel.workbook import write_excel
from jobs.render.language import Language
from tests.night import CLUSTER, with_members


def about(report, language):
    file = io.BytesIO()
    write_excel(report, file, language)
    rows = openpyxl.load_workbook(file).worksheets[-1].iter_rows(values_only=True)
    return {row[0]: row[1] for row in rows if row[0]}


def test_times_are_in_the_zone_of_the_run_and_dates_stay(report_of, nights):
    report = report_of({"A/a": "ON"}, nights[0])
    found = about(report, Language.EN)
    assert found["run.started"] == "2025-03-03 10:00:00"
    assert found["run.finished"] == "2025-03-03 10:01:00"
    assert found["run.date"] == "2025-03-03"
    assert "The metadata, named as in the JSON format; times in Asia/Shanghai" in found
    assert about(report, Language.ZH)["run.started"] == "2025-03-03 10:00:00"


def test_controls_and_states_have_their_chinese_names(report_of, nights):
    found = about(report_of({"A/a": "ON"}, nights[0]), Language.ZH)
    assert found["滚动核对：已开通"] == "成立"
    assert found["已开通 ON"] == 0
    assert "滚动核对" in found


def test_workers_are_told_of_where_they_asked(report_of, nights):
    report = report_of({"A/a": "ON"}, nights[0])
    assert not [key for key in about(report, Language.EN) if key.startswith("cluster.")]
    found = about(with_members(report, {"cluster": CLUSTER}), Language.EN)
    assert {key: found[f"cluster.{key}"] for key in CLUSTER} == CLUSTER
