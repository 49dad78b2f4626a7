"""A format that fails, through the commands: the Parquet stands, and 73 says which one failed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

import jobs.render
import jobs.store.formats
import jobs.store.publish
from jobs.render import writer_of as real_writer_of
from jobs.report.parquet import read_parquet
from tests.night import DAY

JOURNAL = f".report.{DAY}.journal"


@pytest.fixture
def full(monkeypatch):
    """Let the disk be full for these formats; return what makes room."""

    def full(*formats):
        def writer_of(name):
            def write(report, file, language):
                raise OSError(28, "No space left on device")

            return write if name in formats else real_writer_of(name)

        monkeypatch.setattr(jobs.render, "writer_of", writer_of)
        return lambda: monkeypatch.setattr(jobs.render, "writer_of", real_writer_of)

    return full


@pytest.fixture
def pings(monkeypatch):
    told = []
    monkeypatch.setattr("jobs.observe.ping.Ping.start", lambda _: None)
    monkeypatch.setattr("jobs.observe.ping.Ping.end", lambda _, *given: told.append(given) or [])
    return told


@pytest.mark.parametrize("rule", [(), ("--fail-on", "on>0")])
def test_the_parquet_stands_with_its_own_verdict_and_the_command_ends_with_73(
    reconcile, full, pings, rule
):
    full("html", "xlsx")
    ended = reconcile(
        "-q", "-o", "report.html", "-o", "report.csv", "-o", "report.xlsx", "--metrics", "m.prom",
        "--ping-url", "http://127.0.0.1:9/x", *rule,
    )  # fmt: skip
    assert (ended.code, ended.out) == (73, "")
    for name in ("report.html", "report.xlsx"):
        assert (
            f"palm-reconcile: {name} cannot be written: No space left on device. The new report "
            f"stands at report.parquet. Run: palm-report report.parquet -o {name} (exit 73)\n"
        ) in ended.err
        assert not Path(name).exists()
    assert ("(exit 10)" in ended.err) is bool(rule)
    run = read_parquet(Path("report.parquet")).about["run"]
    assert run["exit_code"] == (10 if rule else 0)
    assert not [sentence for sentence in run["verdict"] if "73" in sentence]
    assert Path("report.csv").exists()
    assert 'palm_reconcile_exit_code{report="report"} 73.0' in Path("m.prom").read_text()
    assert 'state="ON"' in Path("m.prom").read_text()
    ((code, body),) = pings
    assert code == 73
    assert "exit code: 73\n" in body
    assert not Path(JOURNAL).exists()


def test_only_what_is_written_is_said_to_be(reconcile, full):
    full("html")
    ended = reconcile("-o", "report.html", "-o", "report.csv")
    assert [line for line in ended.err.splitlines() if line.startswith("Written: ")] == [
        "Written: report.parquet",
        "Written: report.csv",
    ]


def test_the_log_as_json_says_it_too(reconcile, full):
    full("html")
    ended = reconcile("-o", "report.html", "--log-format", "json")
    events = [json.loads(line) for line in ended.err.splitlines()]
    error, summary = [event for event in events if event["level"] == "error"]
    assert "report.html cannot be written" in error["event"]
    assert (ended.code, error["exit_code"], summary["exit_code"]) == (73, 73, 73)


def test_without_a_parquet_the_answers_are_kept_for_another_try(reconcile, full, gateway):
    room = full("html")
    ended = reconcile("-q", "-o", "report.html", output="report.csv")
    assert ended.code == 73
    assert "report.html cannot be written" in ended.only_line
    assert Path("report.csv").exists()
    assert Path(JOURNAL).exists()
    asked = sum(gateway.stats.asked.values())
    room()
    assert reconcile("-q", "-o", "report.html", output="report.csv").code == 0
    assert Path("report.html").exists()
    assert not Path(JOURNAL).exists()
    assert sum(gateway.stats.asked.values()) == asked


def test_a_journal_that_cannot_be_removed_is_a_warning(reconcile, monkeypatch):
    """The report is published: the run ends as it says."""

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted", JOURNAL)

    monkeypatch.setattr("jobs.journal.old_journals.remove_journals", refuse)
    ended = reconcile("-q")
    assert ended.code == 0
    assert "The report is published" in ended.only_line
    assert f"cannot be removed: {JOURNAL}: Operation not permitted" in ended.only_line


def test_palm_report_writes_the_other_formats_and_names_the_one_that_failed(reconcile, show, full):
    assert reconcile("-q").code == 0
    full("html")
    ended = show("report.parquet", "-o", "page.html", "-o", "rows.csv")
    assert (ended.code, ended.out) == (73, "")
    assert ended.only_line == "palm-report: page.html cannot be written: No space left on device"
    assert Path("rows.csv").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_the_report_takes_its_place_changes_nothing(reconcile, monkeypatch, number):
    """It said that nothing was written, and ended with 143, where the report stood."""
    place = jobs.store.publish.place

    def interrupted(fresh, path):
        misplaced = place(fresh, path)
        os.kill(os.getpid(), number)
        return misplaced

    for module in (jobs.store.publish, jobs.store.formats):
        monkeypatch.setattr(module, "place", interrupted)
    before = signal.getsignal(number)
    ended = reconcile("-q", "-o", "report.html")
    assert (ended.code, ended.err) == (0, "")
    assert read_parquet(Path("report.parquet")).about["run"]["exit_code"] == 0
    assert not Path(JOURNAL).exists()
    assert signal.getsignal(number) == before
