"""Which reports the arguments of ``palm-report`` name."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.show.named_reports import (
    OneReport,
    ReportFolder,
    TwoReports,
    named_reports,
    reports_being_replaced,
)


@pytest.fixture
def folder(tmp_path):
    """Return a folder that keeps one report a day, of two days."""
    for day in ("2025-03-03", "2025-03-04"):
        day_folder = tmp_path / "reports" / f"run_date={day}"
        day_folder.mkdir(parents=True)
        (day_folder / "report.parquet").touch()
    return tmp_path / "reports"


def test_a_file_is_one_report_whether_it_is_there_or_not(tmp_path):
    (tmp_path / "a.parquet").touch()
    for path in (tmp_path / "a.parquet", tmp_path / "missing.parquet", Path("a\udcff")):
        assert named_reports((path,)) == OneReport(path)


def test_the_folder_of_a_day_is_the_report_in_it(folder):
    day = folder / "run_date=2025-03-03"
    assert named_reports((day,)) == OneReport(day / "report.parquet")


def test_a_folder_of_days_is_a_folder_of_reports(folder):
    (folder / "report.parquet").touch()
    assert named_reports((folder,)) == ReportFolder(folder)


def test_a_folder_without_reports_is_left_to_the_reader_to_refuse(tmp_path):
    (tmp_path / "run_date=2025-03-03").mkdir()
    assert named_reports((tmp_path,)) == OneReport(tmp_path)


def test_two_are_compared_in_the_order_in_which_they_are_named(folder, tmp_path):
    day = folder / "run_date=2025-03-03"
    file = tmp_path / "a.parquet"
    assert named_reports((file, day)) == TwoReports(file, day / "report.parquet")


def test_a_folder_of_days_is_not_one_of_two(folder, tmp_path):
    with pytest.raises(UsageError, match=r"is a folder of 2 reports.*run_date=2025-03-04"):
        named_reports((tmp_path / "a.parquet", folder))


def test_more_than_two_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(UsageError, match=r"3 reports are named.*--since"):
        named_reports((tmp_path,) * 3)


@pytest.fixture
def interrupted(folder):
    """Let a run have been killed after it took a report away."""
    replaced = folder.with_name("reports.work") / "run_date=2025-03-04" / "replaced"
    replaced.parent.mkdir(parents=True)
    (folder / "run_date=2025-03-04").rename(replaced)
    return folder / "run_date=2025-03-04"


def test_a_report_that_a_killed_run_took_away_is_told_of(folder, interrupted, tmp_path):
    assert reports_being_replaced((folder,)) == [interrupted]
    assert reports_being_replaced((interrupted,)) == [interrupted]
    assert reports_being_replaced((interrupted / "report.parquet", folder)) == [interrupted]
    others = (folder / "run_date=2025-03-03", tmp_path, tmp_path / "a.parquet")
    assert reports_being_replaced(others) == []


def test_where_nothing_is_being_replaced_nothing_is_told(folder):
    assert reports_being_replaced((folder, folder / "run_date=2025-03-03")) == []
