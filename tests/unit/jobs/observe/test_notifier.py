"""Telling others how a run goes never makes it go otherwise."""

from __future__ import annotations

from datetime import date

import pytest
from structlog.testing import capture_logs

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.journal.paths import journal_path
from jobs.observe.notifier import Outcome, RunNotifier
from jobs.store.locations import Sidecars
from jobs.store.work_folder import WorkFolder
from palm import SettingsError
from palm.commands.runner import TerminatedError

NOBODY = "http://127.0.0.9:1/secret"


def test_without_anybody_to_tell_nothing_is_said():
    with capture_logs() as logs:
        announcer = RunNotifier(None, None, "people")
        announcer.start()
        announcer.end(None, 4, "2025-03-03")
    assert logs == []


def test_metrics_are_written_at_the_end_alone(tmp_path):
    path = tmp_path / "palm.prom"
    announcer = RunNotifier(path, None, "people")
    announcer.start()
    assert not path.exists()
    announcer.end(None, 77, "2025-03-03")
    assert 'palm_reconcile_exit_code{report="people"} 77.0' in path.read_text()


def test_a_ping_that_fails_is_a_warning_and_a_file_is_an_error(tmp_path):
    path = tmp_path / "palm.prom"
    with capture_logs() as logs:
        announcer = RunNotifier(path, NOBODY, "people")
        announcer.start()
        path.mkdir()
        announcer.end(None, 0, "2025-03-03")
    assert sorted(entry["log_level"] for entry in logs) == ["error", "warning", "warning"]
    assert "palm.prom cannot be written" in logs[0]["event"]
    assert "secret" not in str(logs)


def test_a_missing_folder_ends_with_73_before_anything_is_done(tmp_path):
    with pytest.raises(RunError, match="make it first") as stop:
        RunNotifier(tmp_path / "missing" / "palm.prom", None, "people").start()
    assert exit_code_of(stop.value) == 73


def test_a_url_that_is_none_is_refused_before_anything_is_done():
    with pytest.raises(SettingsError):
        RunNotifier(None, "http://example.com/secret", "people")


def test_a_name_that_node_exporter_does_not_read_is_warned_of(tmp_path):
    with capture_logs() as logs:
        RunNotifier(tmp_path / "m.txt", None, "people").start()
    (entry,) = logs
    assert entry["log_level"] == "warning"
    assert entry["event"].endswith(
        "m.txt: Prometheus' node_exporter reads only files whose name ends in .prom"
    )


@pytest.mark.parametrize("bits", [0, 3])
def test_what_is_kept_is_said_where_there_is_a_journal_of_the_pairs_or_of_a_part(tmp_path, bits):
    day, files, outcome = date(2025, 3, 3), Sidecars(tmp_path, "report"), Outcome("")
    assert outcome.consequence() == "nothing is written"
    outcome.dated(day, files)
    assert (outcome.run_date, outcome.consequence()) == ("2025-03-03", "nothing is written")
    folder = WorkFolder.open(files).journals(day) if bits else None
    journal_path(files, day, folder, bits, 0).path.touch()
    kept = "the answers so far are kept in the journal"
    assert outcome.consequence() == f"no report is written; {kept}"
    outcome.placing = True
    assert outcome.consequence() == f"some outputs may be written; {kept}"


def test_after_a_signal_it_is_said_what_to_type_if_something_is_kept(tmp_path):
    day, files, outcome = date(2025, 3, 3), Sidecars(tmp_path, "report"), Outcome("")
    outcome.dated(day, files, lambda: "to go on: palm-reconcile pairs.csv")
    assert outcome.consequence_of(KeyboardInterrupt()) == "nothing is written"
    journal_path(files, day, None, 0, 0).path.touch()
    line = "no report is written; the answers so far are kept in the journal"
    assert outcome.consequence_of(TerminatedError()) == (
        f"{line}; to go on: palm-reconcile pairs.csv"
    )
    assert outcome.consequence_of(RuntimeError()) == line  # it may end in the same way again
