"""Disks that are full, folders that are read-only, two runs at once: nothing is lost over it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.store.outputs import Outputs
from tests.night import DAY, NEXT, SCRIPTS


def asked_by_now(gateway):
    """Return how often the gateway was asked, once nothing more comes in."""
    asked = -1
    while (now := gateway.tell()["asked"]) != asked:
        asked = now
        time.sleep(0.3)
    return asked


@pytest.mark.slow
def test_a_disk_that_is_full_while_journaling_ends_with_73_and_keeps_the_answers_so_far(
    gateway, night, report_path, is_true
):
    assert night(500, rate=3_000).run_id
    before = report_path.read_bytes()
    stop = night(500, run_date=NEXT, rate=3_000, longest_file=30_000)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 73
    assert "the journal" in str(stop)
    assert "cannot be written" in str(stop)
    assert report_path.read_bytes() == before
    asked = asked_by_now(gateway)
    report = night(500, run_date=NEXT, rate=3_000)
    assert report.run_date == NEXT
    assert report.about["asking"]["resumed"] > 0
    assert gateway.tell()["asked"] - asked == 500 - report.about["asking"]["resumed"]


def wide_lines(size):
    return [f"o{i:027},0042,{os.urandom(size).hex()}" for i in range(300, 340)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("partitions", "what"),
    [
        (1, "the earlier report.parquet is unchanged"),
        pytest.param(4, "the work folder", marks=pytest.mark.slow),
    ],
    ids=["one part", "4 parts"],
)
def test_a_disk_that_is_full_while_publishing_ends_with_73_and_keeps_report_and_journal(
    gateway, night, folder, report_path, partitions, what
):
    """The next run only publishes: it asks nothing again."""
    assert night(300).run_id
    before, left = report_path.read_bytes(), sorted(folder.iterdir())
    wide = wide_lines(40_000)
    outputs = Outputs((report_path, folder / "report.csv"), report_path)
    given = {"outputs": outputs, "partitions": partitions}
    stop = night(300, *wide, run_date=NEXT, longest_file=1_500_000, **given)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 73
    assert what in str(stop)
    assert report_path.read_bytes() == before
    kept = {f".report.{NEXT}.journal", ".report.work"}
    assert {path for path in folder.iterdir() if path.name not in kept} == {*left}
    assert list(folder.rglob("*.journal"))
    asked = gateway.tell()["asked"]
    report = night(300, *wide, run_date=NEXT, **given)
    assert (report.run_date, report.about["asking"]["resumed"]) == (NEXT, 340)
    assert gateway.tell()["asked"] == asked
    assert not list(folder.rglob("*.journal"))


@pytest.mark.slow
def test_a_disk_that_is_full_for_another_format_alone_keeps_the_parquet(night, folder, report_path):
    """The CSV of these lines is as large again as the Parquet, which is compressed."""
    outputs = Outputs((report_path, folder / "report.csv"), report_path)
    report = night(300, *wide_lines(20_000), outputs=outputs, longest_file=1_200_000)
    assert report.run_id
    assert not (folder / "report.csv").exists()
    assert not (folder / f".report.{DAY}.journal").exists()


def test_a_disk_that_is_full_before_the_first_request_ends_with_73_and_says_what_to_run(
    gateway, night, folder
):
    stop = night(20, *wide_lines(40_000), partitions=4, longest_file=100_000)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 73
    assert "the work folder" in str(stop)
    assert ". Then run: palm-reconcile " in str(stop)
    assert gateway.tell()["asked"] == 0
    assert {path.name for path in folder.iterdir()} == {"pairs.csv", ".report.lock"}


@pytest.fixture
def small_disk(folder):
    """Return a folder of 128 kB."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_file_system_that_is_full_ends_with_73_and_says_which_file(small_disk, night):
    stop = night(2_000, rate=5_000, outputs=Outputs.to(small_disk / "report.parquet"))
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 73
    assert str(small_disk) in str(stop)
    assert not (small_disk / "report.parquet").exists()


def test_a_folder_that_is_read_only_ends_with_73_before_the_first_request(
    gateway, night, folder, bound_by_permissions
):
    sealed = folder / "sealed"
    sealed.mkdir(0o555)
    stop = night(20, outputs=Outputs.to(sealed / "report.parquet"))
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 73
    assert gateway.tell()["asked"] == 0


@pytest.mark.parametrize("where", ["/proc/report.parquet", "missing/report.parquet"])
def test_a_folder_that_takes_no_file_ends_with_73_before_the_first_request(gateway, night, where):
    stop = night(20, outputs=Outputs.to(Path(where)))
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 73
    assert str(Path(where).parent) in str(stop)
    assert gateway.tell()["asked"] == 0


@pytest.mark.slow
def test_a_second_run_ends_with_75_and_names_the_first_ones_pid_and_start(
    gateway, start, source, report_path
):
    path, config = source(300), gateway.config()
    command = [path, "-o", report_path, "--run-date", DAY, "--rate", 50]
    first = start(*command, config=config, program=SCRIPTS / "palm-reconcile")
    while not gateway.tell()["asked"]:
        assert first.poll() is None
    second = start(*command, config=config)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 75
    (line,) = said.splitlines()
    assert f"pid {first.pid}, since 20" in line
    assert first.poll() is None  # undisturbed


@pytest.mark.slow
def test_the_lock_of_a_run_that_was_killed_does_not_keep_the_next_one_out(
    gateway, start, night, source, is_true
):
    first = start(
        source(300), "-o", "report.parquet", "--run-date", DAY, "--rate", 100,
        program=SCRIPTS / "palm-reconcile",
    )  # fmt: skip
    while not gateway.tell()["asked"]:
        assert first.poll() is None
    first.kill()
    first.wait()
    assert is_true(night(300), 300)
