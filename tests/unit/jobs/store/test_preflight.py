"""What would keep a report from being written is found before the first request."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import OutputError, RunError
from jobs.store.outputs import Outputs, parse_outputs
from jobs.store.preflight import check_output, check_outputs


def test_a_folder_is_no_target(tmp_path):
    with pytest.raises(RunError, match="is a folder; name a file in it") as stop:
        check_output(tmp_path)
    assert exit_code_of(stop.value) == 73


def test_a_folder_that_is_missing_is_found_before_anything_is_asked(tmp_path):
    with pytest.raises(RunError, match="does not exist; make it first") as stop:
        check_output(tmp_path / "none" / "report.parquet")
    assert exit_code_of(stop.value) == 73


@pytest.mark.parametrize("output", ["report.parquet", "reports/"])
def test_the_folder_of_a_run_in_progress_must_be_there_if_it_is_named(tmp_path, output):
    """Also where the pairs are so few that it is not needed: there may be more tomorrow."""
    work = tmp_path / "nowhere"
    outputs = parse_outputs((f"{tmp_path}/{output}",), None, date(2025, 3, 3), work=work)
    with pytest.raises(RunError, match=r"^--work: the folder .*nowhere does not exist; make it"):
        check_outputs(outputs)
    work.mkdir()
    check_outputs(outputs)
    assert list(work.iterdir()) == []


def test_a_work_folder_of_a_name_that_no_file_system_takes_is_one_clear_line(tmp_path):
    outputs = parse_outputs(
        (f"{tmp_path}/report.parquet",), None, date(2025, 3, 3), work=tmp_path / ("a" * 300)
    )
    with pytest.raises(OutputError, match="^--work: the folder .* does not exist; make it"):
        check_outputs(outputs)


def test_a_file_is_no_folder_to_write_into(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError) as stop:
        check_output(tmp_path / "file" / "report.parquet")
    assert exit_code_of(stop.value) == 73


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="a folder that even root cannot write to")  # noqa: PTH112
def test_a_folder_that_takes_no_files_is_found_before_anything_is_asked():
    with pytest.raises(RunError, match="/proc cannot be written to") as stop:
        check_output(Path("/proc/report.parquet"))
    assert exit_code_of(stop.value) == 73


def test_a_folder_without_permission_is_found_before_anything_is_asked(
    tmp_path, bound_by_permissions
):
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="Permission denied") as stop:
        check_output(tmp_path / "report.parquet")
    tmp_path.chmod(0o700)
    assert exit_code_of(stop.value) == 73


@pytest.mark.parametrize("name", ["report.txt", "report", "report.parquet.bak"])
def test_a_format_that_is_not_known_is_a_wrong_option(tmp_path, name):
    with pytest.raises(RunError, match=r"one of \.parquet") as stop:
        check_output(tmp_path / name)
    assert exit_code_of(stop.value) == 2


def test_checking_a_target_leaves_no_trace(tmp_path):
    check_output(tmp_path / "report.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", ["report.parquet", "report.html", "report.previous.parquet"])
def test_a_file_that_nobody_may_replace_is_found_before_anything_is_asked(tmp_path, kept):
    files = tuple(tmp_path / name for name in ("report.parquet", "report.html"))
    outputs = Outputs(files, files[0])
    check_outputs(outputs)
    with pytest.raises(
        RunError, match=rf"{kept} cannot be replaced: .*chattr -i -a .*{kept}"
    ) as stop:
        check_outputs(outputs, lambda path: path.name == kept)
    assert exit_code_of(stop.value) == 73


def test_in_a_folder_of_days_there_is_no_report_before_that_is_kept_beside(tmp_path):
    path = tmp_path / "run_date=2025-03-03" / "report.parquet"
    outputs = Outputs((path,), path, folder=tmp_path)
    check_outputs(outputs, lambda path: ".previous." in path.name)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def daily(tmp_path):
    """Return where a report in parts goes, in a folder that keeps one a day."""
    return parse_outputs((f"{tmp_path}/reports/",), None, date(2025, 3, 3), in_parts=True)


def test_the_folder_of_a_day_need_not_be_there_and_nothing_is_left(daily, tmp_path):
    check_outputs(daily)
    assert [path.name for path in tmp_path.rglob("*")] == ["reports"]


@pytest.mark.parametrize("names", [["report.parquet"], ["part-00000.parquet"]])
def test_the_folder_of_a_day_can_be_replaced(daily, names):
    daily.day.mkdir(parents=True)
    for name in names:
        (daily.day / name).touch()
    check_outputs(daily)
    assert [path.name for path in daily.day.iterdir()] == names


@pytest.mark.parametrize("in_parts", [True, False])
def test_a_linked_folder_of_a_day_is_not_replaced_by_a_folder(tmp_path, in_parts):
    """Neither where the new report has many files, nor where the earlier one has."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "part-00000.parquet").touch()
    (tmp_path / "reports").mkdir()
    outputs = parse_outputs((f"{tmp_path}/reports/",), None, date(2025, 3, 3), in_parts=in_parts)
    outputs.day.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is a symbolic link, and a report of many files") as stop:
        check_outputs(outputs)
    assert exit_code_of(stop.value) == 73


def test_a_linked_folder_of_a_day_holds_a_report_of_one_file_as_ever(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "reports").mkdir()
    outputs = parse_outputs((f"{tmp_path}/reports/",), None, date(2025, 3, 3))
    outputs.day.symlink_to(tmp_path / "elsewhere")
    check_outputs(outputs)
    assert outputs.day.is_symlink()


def test_without_a_place_for_the_work_folder_no_run_of_parts_begins(daily, tmp_path):
    (tmp_path / "reports").mkdir()
    for path in (tmp_path / "reports.work", tmp_path / "reports" / ".work"):
        path.write_text("a file")
    with pytest.raises(RunError, match="no work folder can be made") as stop:
        check_outputs(daily)
    assert exit_code_of(stop.value) == 73


def test_a_part_that_nobody_may_replace_is_found(daily):
    daily.day.mkdir(parents=True)
    part = daily.day / "part-00000.parquet"
    part.touch()
    with pytest.raises(RunError, match="part-00000.parquet cannot be replaced: it is marked"):
        check_outputs(daily, is_immutable=lambda path: path == part)
