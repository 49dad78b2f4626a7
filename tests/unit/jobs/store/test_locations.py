"""Names beside a report: exactly ours, whatever characters the report's own name has."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.store.locations import (
    dated_report,
    dated_reports,
    temporary,
    temporary_link,
    temporary_pattern,
)

DAY, NEXT = date(2025, 3, 3), date(2025, 3, 4)
RUN_ID = "20250303T180000Z-0123abcd"
STEMS = ["report", "r[1]*?", "a\nb", "报告", ".x", "report.eu"]


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


@pytest.mark.parametrize("stem", STEMS)
def test_a_report_knows_its_own_temporary_files_and_no_others(tmp_path, stem):
    own = temporary_pattern(tmp_path / f"{stem}.parquet")
    for other in STEMS:
        path = tmp_path / f"{other}.parquet"
        for name in (temporary(path, RUN_ID).name, temporary_link(path, RUN_ID).name):
            assert bool(own.fullmatch(name)) == (other == stem)
    assert not own.fullmatch(temporary(tmp_path / f"{stem}.csv", RUN_ID).name)
