"""One run at a time, on file systems and with files as they are found."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from jobs.report.parquet import read_parquet
from tests.night import SCRIPTS, write_pairs

NOT_OFFERED = ["ENOSYS", "ENOLCK", "EOPNOTSUPP"]
HOLD = """
import errno, fcntl, os, sys, time
from datetime import datetime, UTC
from pathlib import Path
from jobs.store.files.lock import one_at_a_time

def flock(*_):
    raise OSError(getattr(errno, sys.argv[2]), "not offered")

fcntl.flock = flock
with one_at_a_time(Path(sys.argv[1]), started=datetime(2025, 3, 3, 2, 0, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def lock(folder):
    return folder / ".report.lock"


@pytest.fixture
def run(call, source):
    """Run the command in its own sandbox, with nothing but errors said."""
    return lambda *given: call(source, "-o", "report.parquet", "--sandbox", "-q", *given)


def not_offered(number):
    def lock(*_):
        raise OSError(number, os.strerror(number))

    return lock


@pytest.mark.slow
@pytest.mark.parametrize("error", NOT_OFFERED)
def test_where_there_is_no_flock_a_posix_lock_keeps_the_other_run_out(
    run, folder, lock, monkeypatch, error
):
    command = [sys.executable, "-c", HOLD, str(lock), error]
    monkeypatch.setattr("fcntl.flock", not_offered(getattr(errno, error)))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        ended = run()
        assert ended.code == 75
        assert f"another run is writing this report: pid {holder.pid}" in ended.only_line
        holder.kill()
    assert run().code == 0  # the lock went with its holder
    assert (folder / "report.parquet").exists()


@pytest.mark.slow
@pytest.mark.parametrize("error", NOT_OFFERED)
def test_where_there_is_no_lock_at_all_the_run_goes_on_and_says_so_also_with_q(
    run, folder, monkeypatch, error
):
    for name in ("flock", "lockf"):
        monkeypatch.setattr(f"fcntl.{name}", not_offered(getattr(errno, error)))
    ended = run()
    assert ended.code == 0
    assert "offers no locks" in ended.only_line
    assert "do not overlap" in ended.only_line
    assert (folder / "report.parquet").exists()
    assert run().code == 0  # nothing is left that would keep the next run out


def test_another_error_of_the_lock_ends_with_73(run, monkeypatch):
    monkeypatch.setattr("fcntl.flock", not_offered(errno.EIO))
    ended = run()
    assert ended.code == 73
    assert ".report.lock cannot be made: Input/output error" in ended.only_line


def test_a_lock_of_another_user_is_told_with_its_owner_and_what_to_do(
    run, lock, bound_by_permissions
):
    lock.touch(mode=0o600)
    os.chown(lock, 65534, 65534)
    ended = run()
    assert ended.code == 73
    assert "belongs to nobody (uid 65534)" in ended.only_line
    assert "sudo rm .report.lock" in ended.only_line


def test_a_lock_of_a_user_without_a_name_is_told_by_its_number(run, lock, bound_by_permissions):
    lock.touch(mode=0o600)
    os.chown(lock, 4_000_123, 65534)
    assert "belongs to uid 4000123" in run().only_line


def bind(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


KINDS = [
    pytest.param(os.mkfifo, "a FIFO", id="fifo"),
    pytest.param(bind, "a socket", id="socket"),
    pytest.param(lambda path: path.symlink_to("victim"), "a symbolic link", id="link"),
    pytest.param(os.mkdir, "a folder", id="folder"),
]


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_what_is_no_file_where_the_lock_belongs_ends_with_73(run, folder, lock, make, kind):
    make(lock)
    ended = run()
    assert ended.code == 73
    assert f"it is {kind}, not a file" in ended.only_line
    assert not (folder / "victim").exists()


@pytest.mark.parametrize("name", [".report.lock", ".report.lock.holder"])
def test_no_link_beside_the_report_is_followed(run, folder, name):
    victim = folder / "victim"
    victim.write_text("precious")
    (folder / name).symlink_to(victim)
    run()
    assert victim.read_text() == "precious"


def test_a_lock_that_is_another_file_too_keeps_what_is_in_it(run, folder, lock):
    victim = folder / "victim"
    victim.write_text("precious")
    lock.hardlink_to(victim)
    assert run().code == 0
    assert victim.read_text() == "precious"


@pytest.mark.slow
def test_a_run_that_was_killed_while_it_waited_for_its_input_holds_nothing(folder, lock, run):
    """Nor does what it noted about itself keep anybody out."""
    os.mkfifo(folder / "late.csv")
    command = [SCRIPTS / "palm-reconcile", "late.csv", "-o", "report.parquet", "--sandbox"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not lock.exists() or f'"pid": {process.pid}' not in lock.read_text():
            assert process.poll() is None
            time.sleep(0.02)
        assert run().code == 75
        process.send_signal(signal.SIGKILL)
    write_pairs(folder / "pairs.csv", 5)
    assert run().code == 0
    assert read_parquet(folder / "report.parquet").summary.pairs == 5
    assert lock.read_text() == ""
