"""The reports of a folder that keeps one a day."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.store.days import dated_report, dated_reports

DAY, NEXT = date(2025, 3, 3), date(2025, 3, 4)


@pytest.mark.parametrize("folder", ["reports", "r[1]*?", "a\nb"])
def test_a_folders_reports_are_found_the_newest_first(tmp_path, folder):
    for day in (DAY, NEXT):
        path = dated_report(tmp_path / folder, day)
        path.parent.mkdir(parents=True)
        path.touch()
    found = dated_reports(tmp_path / folder)
    assert found == [(day, dated_report(tmp_path / folder, day)) for day in (NEXT, DAY)]


@pytest.mark.parametrize(
    "name",
    ["run_date=20250303", "run_date=2025-W10-1", "run_date=2025-02-30", "run_date=2025-03-03\n",
     "run_date=２０２５-03-03", "run_date=2025-03-03.old", "RUN_DATE=2025-03-03", "2025-03-03"],
)  # fmt: skip
def test_a_folder_with_another_name_is_nobodys_report(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "report.parquet").touch()
    assert dated_reports(tmp_path) == []


def test_a_day_without_its_report_and_a_folder_that_is_not_there_hold_none(tmp_path):
    (tmp_path / "run_date=2025-03-03").mkdir()
    (tmp_path / "run_date=2025-03-04").touch()
    assert dated_reports(tmp_path) == []
    assert dated_reports(tmp_path / "missing") == []
