"""What a file system does not offer is done without; what cannot be is found out in time."""

from __future__ import annotations

import errno
import io
import os
import stat
import tempfile
from pathlib import Path

import openpyxl
import pytest

import jobs.render.excel.workbook
from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.render.excel.workbook import write_excel
from jobs.report.parquet import read_parquet
from jobs.store.locations import previous_of, temporary
from jobs.store.outputs import Outputs
from jobs.store.preflight import check_output, check_outputs
from jobs.store.publish import publish


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refusing(number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.fixture
def output(tmp_path):
    return tmp_path / "report.parquet"


@pytest.fixture
def second(report_of, nights, output):
    """Publish a first report; return the publishing of the second one over it."""
    first = report_of({"A/a": "ON", "A/b": "ON"}, nights[0], run_id="first")
    publish(first, Outputs.to(output), baseline=None, replaced=None)
    report = report_of(
        {"A/a": "OFF"}, nights[1], baseline=first, baseline_file=output, run_id="second"
    )
    return lambda: publish(report, Outputs.to(output), baseline=first, replaced=first)


@pytest.mark.parametrize("name", ["ENOTSUP", "EPERM", "ENOSYS", "EMLINK", "EXDEV", "EACCES"])
def test_a_folder_without_hard_links_keeps_the_report_before_by_a_copy(
    second, output, monkeypatch, name
):
    """SMB and blobfuse have none, and fs.protected_hardlinks forbids one of another's file."""
    output.chmod(0o664)
    before = output.read_bytes()
    monkeypatch.setattr(os, "link", refusing(getattr(errno, name)))
    assert second() == ()
    assert read_parquet(output).run_id == "second"
    assert previous_of(output).read_bytes() == before
    assert stat.S_IMODE(previous_of(output).stat().st_mode) == 0o664
    assert names(output.parent) == ["report.parquet", "report.previous.parquet"]


def test_a_copy_is_flushed_before_it_takes_its_name(second, output, monkeypatch):
    flushed, fsync = [], os.fsync
    monkeypatch.setattr(os, "link", refusing(errno.ENOTSUP))
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: (flushed.append(str(Path(f"/proc/self/fd/{fd}").readlink())), fsync(fd)),
    )
    second()
    files = [name for name in flushed if not Path(name).is_dir()]
    assert [name.endswith("second-previous.parquet.tmp") for name in files] == [False, True]


def test_a_report_before_that_cannot_be_kept_ends_with_73_and_stays(second, output, monkeypatch):
    before = output.read_bytes()
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    monkeypatch.setattr("shutil.copyfileobj", refusing(errno.ENOSPC))
    with pytest.raises(RunError, match="the earlier report.parquet is unchanged") as stop:
        second()
    assert exit_code_of(stop.value) == 73
    assert f"{previous_of(output)} cannot be written: No space left" in str(stop.value)
    assert (output.read_bytes(), names(output.parent)) == (before, ["report.parquet"])


@pytest.mark.parametrize("name", ["EPERM", "ENOTSUP", "ENOSYS", "EINVAL"])
def test_a_mode_that_is_refused_is_done_without(second, output, monkeypatch, name):
    monkeypatch.setattr(os, "chmod", refusing(getattr(errno, name)))
    assert second() == ()
    assert read_parquet(output).run_id == "second"


def flushing_folders(number, monkeypatch):
    """Let the flushing of folders fail."""
    fsync = os.fsync

    def flush(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flush)


@pytest.mark.parametrize("name", ["EINVAL", "EPERM", "ENOTSUP", "ENOSYS"])
def test_a_folder_that_cannot_be_flushed_is_no_fault(second, output, monkeypatch, name):
    flushing_folders(getattr(errno, name), monkeypatch)
    assert second() == ()
    assert read_parquet(output).run_id == "second"


def test_a_folder_whose_flushing_fails_is_told_of_and_the_new_report_stands(
    second, output, monkeypatch
):
    flushing_folders(errno.EIO, monkeypatch)
    (failed,) = second()
    assert failed.sentence() == (
        f"{output} is written and stands, with an error: "
        "its folder cannot be flushed: Input/output error"
    )
    assert read_parquet(output).run_id == "second"


def test_a_folder_that_cannot_be_listed_takes_a_report(second, output, bound_by_permissions):
    output.parent.chmod(0o300)
    try:
        assert second() == ()
    finally:
        output.parent.chmod(0o700)
    assert read_parquet(output).run_id == "second"


@pytest.mark.parametrize(
    ("call", "name"), [("replace", "EPERM"), ("fsync", "EIO"), ("open", "EROFS")]
)
def test_what_publishing_cannot_do_without_is_tried_before_the_first_request(
    output, monkeypatch, call, name
):
    number = getattr(errno, name)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refusing(number))
        with pytest.raises(RunError, match=os.strerror(number)) as stop:
            check_output(output)
    assert exit_code_of(stop.value) == 73
    assert str(output.parent) in str(stop.value)
    assert names(output.parent) == []


@pytest.mark.parametrize(("call", "name"), [("link", "ENOTSUP"), ("chmod", "EPERM")])
def test_what_publishing_can_do_without_is_no_reason_to_stop(output, monkeypatch, call, name):
    monkeypatch.setattr(os, call, refusing(getattr(errno, name)))
    check_output(output)
    assert names(output.parent) == []


def test_a_name_that_leaves_no_room_for_a_temporary_one_is_found_before_the_first_request(tmp_path):
    path = tmp_path / f"{'r' * 240}.parquet"
    path.touch()
    with pytest.raises(RunError, match="File name too long") as stop:
        check_output(path)
    assert exit_code_of(stop.value) == 73
    beside = "..20250302T010203Z-0badcafe-previous.parquet.tmp"
    room = tmp_path / f"{'r' * (255 - len(beside))}"
    check_output(room.with_suffix(".parquet"))
    temporary(room.with_suffix(".parquet"), "20250302T010203Z-0badcafe-previous").touch()


def test_a_folder_of_days_is_tried_with_a_folder_in_it(tmp_path, monkeypatch):
    folder = tmp_path / "reports"
    folder.mkdir()
    target = folder / "run_date=2025-03-03" / "report.parquet"
    outputs = Outputs((target,), target, folder)
    check_outputs(outputs)
    assert names(folder) == []
    monkeypatch.setattr(os, "mkdir", refusing(errno.EPERM))
    with pytest.raises(RunError, match="reports cannot be written to: Operation not") as stop:
        check_outputs(outputs)
    assert exit_code_of(stop.value) == 73


@pytest.mark.parametrize(
    ("number", "mended"),
    [
        (errno.EACCES, "; let this user write there, or name another folder with --output"),
        (errno.EROFS, "; name another folder with --output"),
        (errno.EIO, ""),
    ],
)
def test_the_current_folder_is_named_in_full_where_nothing_can_be_written_in_it(
    tmp_path, monkeypatch, number, mended
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jobs.store.preflight.try_folder", refusing(number))
    with pytest.raises(RunError) as stop:
        check_output(Path("report.parquet"))
    said = f"the current folder {tmp_path} cannot be written to: {os.strerror(number)}{mended}"
    assert str(stop.value) == said


def test_a_current_folder_that_was_removed_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("jobs.store.preflight.try_folder", refusing(errno.ENOENT))
    monkeypatch.setattr(Path, "cwd", refusing(errno.ENOENT))
    with pytest.raises(RunError, match="^the current folder cannot be written to: No such file"):
        check_output(Path("report.parquet"))


def test_another_users_report_in_a_sticky_folder_is_found_before_the_first_request(
    output, monkeypatch
):
    output.touch()
    somebody = os.geteuid() + 4_242
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    check_output(output)
    output.parent.chmod(0o1777)
    with pytest.raises(RunError, match="sticky bit lets nobody else") as stop:
        check_output(output)
    assert exit_code_of(stop.value) == 73
    check_output(output.with_name("other.parquet"))


def only_where_told(make):
    def told(*given, **named):
        if named.get("dir") is None:
            raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")
        return make(*given, **named)

    return told


@pytest.fixture
def without_temporary_folder(monkeypatch):
    """As where the root is read-only and nothing else is mounted."""
    made = only_where_told(tempfile.TemporaryDirectory)
    monkeypatch.setattr(jobs.render.excel.workbook, "TemporaryDirectory", made)
    monkeypatch.setattr(tempfile, "mkstemp", only_where_told(tempfile.mkstemp))


@pytest.mark.parametrize("many_rows", [0, 50_000])
@pytest.mark.parametrize("to_file", [True, False])
@pytest.mark.usefixtures("without_temporary_folder")
def test_a_workbook_is_made_without_a_temporary_folder(
    report_of, nights, tmp_path, many_rows, to_file
):
    """In memory where it is small or has no file, else in a folder beside it, which is removed."""
    report = report_of({"A/a": "ON", "A/b": "ON"}, nights[0])
    path = tmp_path / "report.xlsx"
    with path.open("w+b") if to_file else io.BytesIO() as file:
        write_excel(report, file, many_rows=many_rows)
        file.seek(0)
        content = file.read()
    assert openpyxl.load_workbook(io.BytesIO(content))["Changes"].max_row == 3
    assert names(tmp_path) == (["report.xlsx"] if to_file else [])
