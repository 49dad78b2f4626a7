"""What would keep a report from being written is found before the first request."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.store.outputs import Outputs
from jobs.store.preflight import check_output, check_outputs


def test_a_folder_is_no_target(tmp_path):
    with pytest.raises(RunError, match="is a folder; name a file in it") as stop:
        check_output(tmp_path)
    assert exit_code_of(stop.value) == 73


def test_a_folder_that_is_missing_is_found_before_anything_is_asked(tmp_path):
    with pytest.raises(RunError, match="does not exist; make it first") as stop:
        check_output(tmp_path / "none" / "report.parquet")
    assert exit_code_of(stop.value) == 73


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
