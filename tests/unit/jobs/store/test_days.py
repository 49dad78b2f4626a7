"""The reports of a folder that keeps one a day."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.store.days import (
    dated_report,
    dated_reports,
    has_report,
    is_dated_report,
    is_of_report,
    parts_in,
    report_in,
)

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


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_a_report_of_many_files_is_found_by_the_folder_of_its_day(tmp_path):
    parts = touch(tmp_path / "run_date=2025-03-03", "part-00000.parquet", "part-00001.parquet")
    single = touch(tmp_path / "run_date=2025-03-04", "report.parquet") / "report.parquet"
    assert dated_reports(tmp_path) == [(NEXT, single), (DAY, parts)]
    assert [report_in(path) for path in (parts, single.parent, single)] == [parts, single, single]
    assert [path.name for path in parts_in(parts)] == ["part-00000.parquet", "part-00001.parquet"]


def test_a_folder_with_both_kinds_of_report_is_found_as_one_of_many(tmp_path):
    """Reading it says what is wrong with it."""
    both = touch(tmp_path / "run_date=2025-03-03", "part-00000.parquet", "report.parquet")
    assert dated_reports(tmp_path) == [(DAY, both)]
    assert report_in(both) == both


@pytest.mark.parametrize(
    "name",
    ["part-0.parquet", "part-000000.parquet", "part-00000.parquet.tmp", "part-00000.csv",
     "part-٠٠٠٠٠.parquet", ".part-00000.parquet", "part-00000.parquet\n", "PART-00000.parquet"],
)  # fmt: skip
def test_a_file_with_another_name_is_not_of_a_report(tmp_path, name):
    day = touch(tmp_path / "run_date=2025-03-03", name)
    assert dated_reports(tmp_path) == []
    assert not has_report(day)
    assert not is_dated_report(day / name)


@pytest.mark.parametrize("name", ["report.parquet", "part-00007.parquet"])
def test_the_paths_of_reports_are_known_though_nothing_is_there(tmp_path, name):
    assert is_dated_report(tmp_path / "run_date=2025-03-03" / name)
    assert not is_dated_report(tmp_path / "2025-03-03" / name)


def test_files_of_the_report_are_told_from_others(tmp_path):
    ours = {
        "report.parquet", "part-00000.parquet", "part-00000.parquet.tmp", "report.parquet.tmp",
        ".report.20250303T180000Z-0123abcd.parquet.tmp",
    }  # fmt: skip
    others = {"report.html", "report.previous.parquet", "part-1.parquet", ".hidden", "notes.tmp"}
    day = touch(tmp_path / "run_date=2025-03-03", *ours, *others)
    (day / "part-00009.parquet").mkdir()
    assert {path.name for path in day.iterdir() if is_of_report(path)} == ours
