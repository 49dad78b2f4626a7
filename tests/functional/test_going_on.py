"""A line that ends a run names a remedy only where it helps, and the whole command that goes on."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.commands.options.typed_options import typed_options
from jobs.errors import CredentialsError, NotNowError, RunError
from jobs.journal.file import unwritable
from jobs.run.resumption.remedy import adding_remedy
from jobs.store.files.lock import one_at_a_time
from tests.night import DAY, options


def test_a_run_that_finds_another_one_says_the_whole_command(reconcile, folder):
    with one_at_a_time(folder / ".report.lock", started=datetime.now(UTC)):
        ended = reconcile("--max-unknown", "0.5")
    assert ended.code == 75
    assert ended.only_line.count(". Try again later: palm-reconcile ") == 1
    assert f"--max-unknown 0.5 --run-date {DAY}" in ended.only_line


@contextmanager
def told(stop):
    """Return how an error in the block reads."""
    chosen = options(
        "people.csv",
        Path("r.parquet"),
        DAY,
        typed=tuple(typed_options(["people.csv", "-o", "r.parquet"])),
    )
    with (
        pytest.raises(RunError) as ended,
        adding_remedy(chosen.command, chosen.run),
        adding_remedy(chosen.command, chosen.run),
    ):
        raise stop
    yield str(ended.value)


COMMAND = f": palm-reconcile people.csv -o r.parquet --run-date {DAY}"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_journal_that_cannot_be_written_says_the_whole_command(number):
    with told(unwritable(Path("j"), OSError(number, os.strerror(number)))) as line:
        assert line.endswith(f". Then run{COMMAND}")
        assert "Free space" in line


@pytest.mark.parametrize(("kind", "again"), [(NotNowError, True), (CredentialsError, False)])
def test_what_may_be_over_later_says_the_whole_command(kind, again):
    with told(kind("no")) as line:
        assert line == (f"no. Try again later{COMMAND}" if again else "no")


def test_a_baseline_that_is_not_there_is_not_to_be_moved_away(reconcile):
    ended = reconcile("--baseline", "gone.parquet")
    assert ended.code == 65
    assert "gone.parquet" in ended.only_line
    assert ended.only_line.endswith("name another report with --baseline")


def test_an_output_that_is_no_report_may_be_moved_away(reconcile):
    Path("report.parquet").write_bytes(b"a letter")
    ended = reconcile()
    assert ended.code == 65
    assert ended.only_line.endswith("move it away, or write to another file with --output")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-o", "r.html"], True),
        (["-o", "r.html", "-o", "r.parquet"], False),
        (["-o", "reports/"], False),
        (["-o", "-", "--format", "parquet"], False),
        (["-o", "-", "--format", "csv"], True),
    ],
)
def test_without_a_parquet_output_the_next_run_will_have_nothing_to_compare_with(
    call, source, given, said
):
    ended = call(source, "--sandbox", "--run-date", DAY, *given)
    assert ended.code == 0
    assert ended.err.count("the next run will have nothing to compare with") == said
