"""A log file that goes wrong in the middle of a run is one line on standard error."""

from __future__ import annotations

import errno
import io
import logging
import shutil

import pytest
import structlog

from jobs.observe.log.messages import first_line_first, log_line, log_start
from jobs.observe.log.setup import add_log_file, close_logs, set_up_logging


@pytest.fixture(autouse=True)
def _as_before():
    root, palm = logging.getLogger(), logging.getLogger("palm")
    before = root.handlers[:], root.level, palm.level
    yield
    close_logs()
    root.handlers[:], root.level, palm.level = before[0], before[1], before[2]
    structlog.reset_defaults()


@pytest.fixture
def error():
    """Return what stands for standard error, once logging is set up."""
    stream = io.StringIO()
    set_up_logging("text", level=logging.INFO, stream=stream)
    return stream


def test_a_folder_that_goes_away_is_one_line_and_the_file_is_written_once_it_is_back(
    error, tmp_path
):
    folder = tmp_path / "logs"
    folder.mkdir()
    add_log_file(folder / "palm.log", "text", verbose=False)
    log_line("one")
    shutil.rmtree(folder)
    log_line("two")
    log_line("three")
    (line,) = error.getvalue().splitlines()
    assert "the log file cannot be written" in line
    assert "does not exist; make it first; the run goes on" in line
    folder.mkdir()
    log_line("four")
    log_line("five")
    written = (folder / "palm.log").read_text().splitlines()
    assert [each.split()[1] for each in written] == ["four", "five"]


def test_a_full_disk_is_one_line_and_ends_nothing(error, tmp_path):
    class Full(io.StringIO):
        def write(self, text):  # noqa: ARG002 - there is no room for it
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self):
            self.write("")

        close = flush

    add_log_file(tmp_path / "palm.log", "text", verbose=False)
    file = logging.getLogger().handlers[0].file
    file.stream.close()
    file.stream = Full()
    log_line("one")
    log_line("two")
    said = [line for line in error.getvalue().splitlines() if "log file" in line]
    assert len(said) == 1
    assert "No space left on device" in said[0]
    close_logs()


def test_what_is_logged_while_the_first_line_is_waited_for_keeps_its_time(error):
    """It is said later, but the moment is that at which it happened."""
    with first_line_first():
        structlog.get_logger("palm.run").warning("found before")
        assert error.getvalue() == ""
        log_start("the first line")
        assert [line.split("] ")[-1].split()[0] for line in error.getvalue().splitlines()][
            1
        ] == "found"
    assert "the first line" in error.getvalue().splitlines()[0]


def test_a_file_that_is_renamed_while_a_line_is_written_does_not_take_it_along(error, tmp_path):
    """Whoever compresses it may have read it already."""
    path, old = tmp_path / "palm.log", tmp_path / "palm.log.1"
    add_log_file(path, "text", verbose=False)
    file = logging.getLogger().handlers[0].file
    reopen = file.reopenIfNeeded

    def renaming():
        reopen()
        if not old.exists():
            path.rename(old)

    file.reopenIfNeeded = renaming
    log_line("one")
    assert path.read_text().endswith(" one\n")
    assert error.getvalue().count("log file") == 0
