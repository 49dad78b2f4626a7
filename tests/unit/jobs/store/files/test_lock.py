"""One run at a time, and who it is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.store.files.lock import one_at_a_time

STARTED = datetime(2025, 3, 3, 2, 0, tzinfo=UTC)
HOLD = """
import sys, time
from datetime import datetime, UTC
from pathlib import Path
from jobs.store.files.lock import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), started=datetime(2025, 3, 3, 2, 0, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".report.lock"


@pytest.fixture
def holder(path):
    """Return another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_kept_out_and_told_pid_and_start(path, holder):
    with pytest.raises(RunError) as stop, one_at_a_time(path, started=STARTED):
        pytest.fail("let in")
    assert exit_code_of(stop.value) == 75
    assert str(stop.value) == (
        f"another run is writing this report: pid {holder.pid}, since 2025-03-03T02:00:00+00:00"
    )


def test_a_holder_that_is_killed_lets_go(path, holder):
    holder.kill()
    holder.wait()
    with one_at_a_time(path, started=STARTED):
        assert str(os.getpid()) in path.read_text()


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"pid": "x", "started": 1}', "\xff"])
def test_without_a_readable_note_it_still_says_that_there_is_another_run(path, holder, note):
    path.write_text(note)
    with pytest.raises(RunError, match=r"another run is writing this report$"):
        one_at_a_time(path, started=STARTED).__enter__()


def test_it_is_let_go_at_the_end_whatever_happens(path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), one_at_a_time(path, started=STARTED):
            raise ZeroDivisionError
    assert [each.name for each in path.parent.iterdir()] == [".report.lock"]


def test_its_files_are_for_their_owner_alone(path):
    with one_at_a_time(path, started=STARTED):
        modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {0o600}


def test_a_place_where_no_file_can_be_ends_with_73(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be made") as stop:
        one_at_a_time(tmp_path / "file" / ".lock", started=STARTED).__enter__()
    assert exit_code_of(stop.value) == 73
