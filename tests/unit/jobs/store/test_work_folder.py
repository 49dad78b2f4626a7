"""The work folder: where it is, who can read it, and what is removed from it."""

from __future__ import annotations

import errno
import os
import stat
from datetime import date
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import OutputError
from jobs.store.locations import Sidecars
from jobs.store.work_folder import WorkFolder, clean_work, interrupted_days

DAY, NEXT = date(2025, 3, 3), date(2025, 3, 4)


@pytest.fixture
def reports(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


@pytest.fixture
def daily(reports):
    return Sidecars.of_folder(reports)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_it_is_beside_a_folder_of_reports(daily, reports):
    work = WorkFolder.open(daily)
    assert work.path == reports.with_name("reports.work")
    assert work.is_apart
    assert names(reports) == []


def test_it_is_a_hidden_folder_beside_a_file(tmp_path):
    work = WorkFolder.open(Sidecars(tmp_path, "june"))
    assert work.path == tmp_path / ".june.work"
    assert names(tmp_path) == [".june.work"]


def test_in_a_folder_that_reports_share_each_has_its_own(tmp_path):
    shared = tmp_path / "shared"
    for name in ("shared", "a", "b", "a/reports", "b/reports"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    files = [
        *(Sidecars.of_folder(tmp_path / each / "reports", shared) for each in ("a", "b")),
        *(Sidecars(tmp_path / each, "reports", work=shared) for each in ("a", "b")),
        Sidecars(tmp_path / "a", "june", work=shared),
    ]
    places = [WorkFolder.open(each).path for each in files]
    assert {place.parent for place in places} == {shared}
    assert [place.name.split("-")[0] for place in places] == ["reports"] * 4 + ["june"]
    assert len(set(places)) == 5
    same = Sidecars.of_folder(tmp_path / "link" / "reports", shared)
    assert WorkFolder.open(same).path == places[0]
    (places[0] / "scratch").mkdir()
    clean_work(files[1])
    assert (places[0] / "scratch").is_dir()


def test_it_must_be_on_the_file_system_of_the_reports(reports, tmp_path, monkeypatch):
    def rename(self, target):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    (tmp_path / "other").mkdir()
    monkeypatch.setattr(Path, "rename", rename)
    named = Sidecars.of_folder(reports, tmp_path / "other")
    with pytest.raises(OutputError, match=r"\.work: it is not on the file system of .*/reports\."):
        WorkFolder.open(named)
    assert names(tmp_path) == ["other", "reports"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_no_other_user_can_read_it(daily, umask):
    before = os.umask(umask)
    try:
        work = WorkFolder.open(daily)
        made = [work.scratch("input"), work.journals(DAY)]
    finally:
        os.umask(before)
    assert {mode(path) for path in (work.path, *made, *(path.parent for path in made))} == {0o700}


def test_a_folder_that_others_could_read_is_closed_to_them(daily, reports):
    reports.with_name("reports.work").mkdir(0o755)
    assert mode(WorkFolder.open(daily).path) == 0o700


def test_the_current_folder_has_its_own_beside_it(reports, monkeypatch):
    monkeypatch.chdir(reports)
    assert WorkFolder.open(Sidecars.of_folder(Path())).path == reports.with_name("reports.work")


def test_a_link_to_the_folder_has_its_own_beside_what_it_points_to(reports, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(reports)
    assert WorkFolder.open(Sidecars.of_folder(link)).path == reports.with_name("reports.work")


@pytest.mark.parametrize("there", ["file", "link"])
def test_where_something_else_has_its_name_it_is_inside(daily, reports, tmp_path, there):
    beside = reports.with_name("reports.work")
    if there == "file":
        beside.write_text("mine")
    else:
        (tmp_path / "other").mkdir()
        beside.symlink_to(tmp_path / "other")
    work = WorkFolder.open(daily)
    assert work.path == reports / ".work"
    assert not work.is_apart
    assert beside.is_symlink() or beside.read_text() == "mine"


def test_where_nothing_can_be_moved_from_beside_it_is_inside(daily, reports, monkeypatch):
    """For example where the folder of reports is a mounted volume."""
    rename = Path.rename

    def between_file_systems(path, target):
        if path.is_relative_to(reports) == Path(target).is_relative_to(reports):
            return rename(path, target)
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "rename", between_file_systems)
    assert WorkFolder.open(daily).path == reports / ".work"
    assert names(reports.parent) == [".work", "reports"]


def test_where_it_can_be_made_nowhere_both_reasons_are_told(daily, reports):
    reports.with_name("reports.work").write_text("a file")
    (reports / ".work").write_text("a file")
    with pytest.raises(OutputError, match=r"no work folder can be made: .*reports\.work: ") as stop:
        WorkFolder.open(daily)
    assert f"{reports / '.work'}: " in str(stop.value)
    assert exit_code_of(stop.value) == 73


def test_cleaning_removes_all_but_journals(daily, reports):
    work = WorkFolder.open(daily)
    (work.scratch("input") / "part-00000.pieces").touch()
    journal = work.journals(DAY) / "part-00000-of-00002.journal"
    journal.touch()
    work.journals(NEXT)
    clean_work(daily)
    assert [path for path in work.path.rglob("*") if path.is_file()] == [journal]
    assert daily.journal_folders() == {DAY: journal.parent}
    journal.unlink()
    clean_work(daily)
    assert names(reports.parent) == ["reports"]


def test_what_a_killed_run_left_is_removed_when_the_next_begins(daily, reports):
    work = WorkFolder.open(daily)
    (work.scratch("input") / "part-00000.pieces").touch()
    inside = reports / ".work" / "scratch" / "rows"
    inside.mkdir(parents=True)
    clean_work(daily)
    assert names(reports.parent) == ["reports"]


def test_names_that_are_not_ours_are_not_touched(daily, reports):
    other = reports.with_name("reports.work") / "run_date=2025-03-03"
    other.mkdir(parents=True)
    (other / "report.parquet").write_text("the report of another folder")
    (other.parent / "notes.txt").touch()
    WorkFolder.open(daily)
    clean_work(daily)
    assert (other / "report.parquet").exists()
    assert (other.parent / "notes.txt").exists()


def test_nothing_is_removed_through_a_link(daily, reports, tmp_path):
    (tmp_path / "other" / "scratch").mkdir(parents=True)
    reports.with_name("reports.work").symlink_to(tmp_path / "other")
    clean_work(daily)
    assert (tmp_path / "other" / "scratch").exists()


def test_journals_of_partitions_are_found_in_either_place_the_newest_first(daily, reports):
    inside = reports / ".work" / "run_date=2025-03-03" / "journals"
    inside.mkdir(parents=True)
    (inside / "part-00000-of-00002.journal").touch()
    later = WorkFolder.open(daily).journals(NEXT)
    assert list(daily.journal_folders().items()) == [(NEXT, later), (DAY, inside)]


def test_a_report_that_a_killed_run_took_away_is_put_back_with_a_warning(daily, reports):
    work = WorkFolder.open(daily)
    replaced = work.path / "run_date=2025-03-03" / "replaced"
    replaced.mkdir(parents=True)
    (replaced / "report.parquet").write_text("the earlier one")
    assert interrupted_days(daily) == ["run_date=2025-03-03"]
    with capture_logs() as logged:
        clean_work(daily)
    assert (reports / "run_date=2025-03-03" / "report.parquet").read_text() == "the earlier one"
    assert interrupted_days(daily) == []
    assert names(reports.parent) == ["report.parquet", "reports", "run_date=2025-03-03"]
    assert "its report is in place now" in logged[0]["event"]


def test_what_cannot_be_put_back_is_a_warning_and_stays(daily, reports):
    work = WorkFolder.open(daily)
    replaced = work.path / "run_date=2025-03-03" / "replaced"
    replaced.mkdir(parents=True)
    (replaced / "report.parquet").write_text("the earlier one")
    (reports / "run_date=2025-03-03").write_text("a file in its place")
    with capture_logs() as logged:
        clean_work(daily)
    assert (replaced / "report.parquet").exists()
    assert f"left in {replaced.parent} cannot be put back or removed" in logged[0]["event"]


def test_a_file_at_its_place_keeps_its_mode(daily, reports):
    for place in daily.work_places:
        place.touch(0o644)
    with pytest.raises(OutputError, match="it is not a folder"):
        WorkFolder.open(daily)
    assert {mode(place) for place in daily.work_places} == {0o644}


def test_a_folder_of_reports_of_a_name_that_no_file_system_takes_has_no_interrupted_day(tmp_path):
    assert interrupted_days(Sidecars.of_folder(tmp_path / ("a" * 300))) == []
