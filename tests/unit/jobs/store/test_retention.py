"""Old reports of a folder: chosen by their date, and removed whole, of one file or of many."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.report.parquet import read_report
from jobs.store.days import dated_reports
from jobs.store.locations import Sidecars
from jobs.store.outputs import parse_outputs
from jobs.store.publish import publish
from jobs.store.retention import old_reports, remove_reports
from jobs.store.work_folder import clean_work
from tests.parted import parted


@pytest.fixture
def folder(tmp_path, report_of, nights):
    """A folder with three nights: one file, four parts, one file."""
    folder = tmp_path / "reports"
    folder.mkdir()
    for night, count in zip(nights, (None, 4, None), strict=True):
        report = report_of({"A/a": "ON", "A/b": "OFF"}, night)
        outputs = parse_outputs((f"{folder}/",), None, night, in_parts=count is not None)
        publish(parted(report, count) if count else report, outputs, baseline=None, replaced=None)
    return folder


@pytest.fixture
def remove(folder, nights):
    def remove(keep_days=0, compared=None):
        gateway = read_report(dated_reports(folder)[0][1]).gateway
        today = nights[2] + timedelta(days=1)
        chosen = old_reports(
            folder, keep_days=keep_days, run_date=today, today=today, compared=compared,
            gateway=gateway,
        )  # fmt: skip
        removed = list(remove_reports(chosen, Sidecars.of_folder(folder)))
        assert removed == chosen
        clean_work(Sidecars.of_folder(folder))
        assert [path.name for path in folder.parent.iterdir()] == ["reports"]
        return removed

    return remove


def test_reports_of_either_kind_are_removed_with_their_folders(folder, remove):
    assert len(remove()) == 3
    assert list(folder.iterdir()) == []


def test_the_youngest_and_the_one_compared_with_stay(folder, remove, nights):
    remove(keep_days=1, compared=nights[0])
    assert [day for day, _ in dated_reports(folder)] == [nights[2], nights[0]]


def test_files_of_others_stay_in_the_folder_of_a_day(folder, remove, nights):
    day = folder / f"run_date={nights[1]}"
    (day / "notes.txt").write_text("by hand")
    remove()
    assert [path.name for path in folder.rglob("*")] == [day.name, "notes.txt"]


def test_a_day_whose_first_part_is_missing_is_nobodys_and_stays(folder, remove, nights):
    day = folder / f"run_date={nights[1]}"
    (day / "part-00000.parquet").unlink()
    remove()
    assert [path.name for path in folder.iterdir()] == [day.name]
