"""Who watches the job from outside: Prometheus, a dead man's switch, logs, and --plan."""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from filelock import FileLock
from prometheus_client.parser import text_string_to_metric_families

import jobs.commands.reconcile
from jobs.commands.exit_codes import exit_code_of
from jobs.report.parquet import read_parquet
from tests.night import DAY, NEXT, without_times

pytestmark = pytest.mark.slow


@pytest.fixture
def switch():
    """Yield the paths that a dead man's switch was asked for, its URL, and how it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            server.paths.append(self.path)
            if not self.path.endswith("/start"):
                server.answering.wait(10)
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.paths, server.bodies, server.status = [], [], 200
    server.answering = threading.Event()
    server.answering.set()
    server.url = f"http://127.0.0.1:{server.server_port}/ping/0c1a8e5b-secret"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def reconcile(folder, gateway, source, capfd, monkeypatch):
    """Return a function that runs the command within this process: exit code, out, err."""
    config = gateway.config()

    def reconcile(*arguments, pairs=30, run_date=DAY, config=config):
        given = ["palm-reconcile", source(pairs), "-o", "report.parquet", "--config", config]
        given += ["--run-date", run_date, "--rate", 1000, *arguments]
        monkeypatch.setattr(sys, "argv", [str(each) for each in given])
        with pytest.raises(SystemExit) as ended:
            jobs.commands.reconcile.main()
        out, err = capfd.readouterr()
        return ended.value.code, out, without_times(err)

    return reconcile


def numbers(path):
    """Return each sample of a metrics file."""
    return {
        (
            sample.name.removeprefix("palm_reconcile_"),
            *(value for name, value in sample.labels.items() if name != "report"),
        ): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_the_metrics_tell_what_the_report_tells(reconcile, folder):
    code, _, _ = reconcile("--metrics", "palm.prom")
    assert code == 0
    found = numbers(folder / "palm.prom")
    assert found["exit_code",] == 0
    assert found["coverage_ratio",] == 1
    assert found["changes", "FIRST_SEEN"] == 30
    assert sum(value for (name, *_), value in found.items() if name == "pairs") == 30
    assert found["requests", "ok"] == 30
    assert found["last_success_timestamp_seconds",] == found["last_run_timestamp_seconds",]
    assert {"throttled_seconds", "outage_seconds", "starved_seconds"} <= {key[0] for key in found}
    assert "o000" not in (folder / "palm.prom").read_text()


def test_the_last_success_is_carried_over_a_run_that_fails(reconcile, gateway, folder):
    assert reconcile("--metrics", "palm.prom")[0] == 0
    before = numbers(folder / "palm.prom")
    gateway.tell(denied=["*"])
    assert reconcile("--metrics", "palm.prom", run_date=NEXT)[0] == 77
    after = numbers(folder / "palm.prom")
    assert after["exit_code",] == 77
    assert after["last_success_timestamp_seconds",] == before["last_success_timestamp_seconds",]
    assert after["last_run_timestamp_seconds",] > before["last_run_timestamp_seconds",]
    assert ("coverage_ratio",) not in after  # there is no report to tell of


def test_metrics_that_cannot_be_written_at_the_end_are_a_warning(
    start, source, gateway, machine, folder
):
    """Their folder went away in the middle of the run, whose report stands all the same."""
    numbers = folder / "numbers"
    numbers.mkdir()
    gateway.tell(latency_s=0.1)
    process = start(
        source(60), "-o", "report.parquet", "--run-date", DAY, "--metrics", "numbers/palm.prom",
        "--rate", machine.rate(60),
    )  # fmt: skip
    while not gateway.tell()["asked"]:
        assert process.poll() is None
        time.sleep(0.02)
    numbers.rmdir()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "numbers/palm.prom cannot be written" in said
    assert read_parquet(Path("report.parquet")).summary.states["UNKNOWN"] == 0


def test_a_folder_of_metrics_that_is_missing_ends_with_73_before_the_first_request(
    reconcile, gateway
):
    code, _, err = reconcile("--metrics", "missing/palm.prom")
    assert code == 73
    assert "the folder missing does not exist" in err
    assert gateway.tell()["asked"] == 0


def test_the_dead_mans_switch_hears_of_start_and_success(reconcile, switch):
    code, _, err = reconcile("--ping-url", switch.url)
    assert code == 0
    assert switch.paths == ["/ping/0c1a8e5b-secret/start", "/ping/0c1a8e5b-secret"]
    assert "secret" not in err


def test_the_dead_mans_switch_hears_the_exit_code_of_a_failure(reconcile, switch, gateway):
    gateway.tell(denied=["*"])
    assert reconcile("--ping-url", switch.url)[0] == 77
    assert switch.paths[-1] == "/ping/0c1a8e5b-secret/77"


def test_the_url_may_come_from_the_environment(reconcile, switch, monkeypatch):
    monkeypatch.setenv("PALM_PING_URL", switch.url + "/")
    assert reconcile()[0] == 0
    assert len(switch.paths) == 2


@pytest.mark.parametrize(
    ("given", "code"),
    [(("--rate", "x"), 2), (("--no-such-option",), 2), (("--timezone", "Mars/Base"), 2),
     (("--metrics", "missing/palm.prom"), 73)],
    ids=["a bad value", "an unknown option", "a bad zone", "no folder"],
)  # fmt: skip
def test_the_dead_mans_switch_hears_of_every_end(reconcile, switch, given, code):
    assert reconcile("--ping-url", switch.url, *given)[0] == code
    assert switch.paths[-1] == f"/ping/0c1a8e5b-secret/{code}"


def test_the_dead_mans_switch_hears_that_another_run_holds_the_lock(reconcile, switch, folder):
    with FileLock(folder / ".report.lock"):
        assert reconcile("--ping-url", switch.url)[0] == 75
    assert switch.paths[-1] == "/ping/0c1a8e5b-secret/75"


def test_the_ping_says_headline_report_run_date_and_exit_code(reconcile, switch):
    assert reconcile("--ping-url", switch.url)[0] == 0
    headline, *lines = switch.bodies[-1].splitlines()
    assert headline.startswith(f"{DAY}: of 30 pairs ")
    assert lines == ["report: report", f"run date: {DAY}", "exit code: 0"]


@pytest.mark.parametrize("way", ["status", "nobody"])
def test_a_ping_that_fails_is_a_warning_and_never_fails_the_job(reconcile, switch, way):
    url = switch.url
    if way == "status":
        switch.status = 503
    else:
        url = "http://127.0.0.9:1/ping/0c1a8e5b-secret"
    code, _, err = reconcile("--ping-url", url)
    assert code == 0
    assert err.count("the ping ") == 2
    assert "secret" not in err


@pytest.mark.parametrize("url", ["http://example.com/secret", "ftp://h/secret", "secret", "//["])
def test_a_ping_url_that_is_none_ends_with_2_without_repeating_it(reconcile, url):
    code, _, err = reconcile("--ping-url", url)
    assert code == 2
    assert "secret" not in err
    assert "https://" in err


def test_json_logs_are_json_to_the_last_line(reconcile, gateway):
    gateway.tell(faults="nostate=0.2")
    code, out, err = reconcile("--log-format", "json", "-v", "--max-unknown", 1, pairs=60)
    assert (code, out) == (0, "")
    events = [json.loads(line) for line in err.splitlines()]
    assert events[-1]["exit_code"] == 0
    assert events[-1]["controls_hold"] is True
    unanswered = [event for event in events if event["event"] == "no answer"]
    assert len(unanswered) == events[-1]["states"]["UNKNOWN"] > 3
    assert all(len(event["person"]) == 16 for event in unanswered)


def test_a_person_has_the_same_name_in_every_log_of_one_key(reconcile, gateway, monkeypatch):
    gateway.tell(faults="nostate=1")

    def persons():
        _, _, err = reconcile("--log-format", "json", "-v", pairs=5)
        return {event["person"] for event in map(json.loads, err.splitlines()) if "person" in event}

    monkeypatch.setenv("PALM_LOG_KEY", "one")
    first = persons()
    assert len(first) == 5
    assert persons() == first
    monkeypatch.setenv("PALM_LOG_KEY", "two")
    assert not persons() & first
    monkeypatch.delenv("PALM_LOG_KEY")
    assert not persons() & persons()


def test_why_a_run_stopped_is_a_json_line_too(reconcile, gateway):
    gateway.tell(denied=["*"])
    code, _, err = reconcile("--log-format", "json")
    assert code == 77
    (event,) = [json.loads(line) for line in err.splitlines()]
    assert (event["level"], event["exit_code"]) == ("error", 77)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_once_the_report_is_published_changes_nothing(
    machine, start, source, switch, number
):
    switch.answering.clear()
    process = start(source(20), "-q", "-o", "report.parquet", env={"PALM_PING_URL": switch.url})
    while len(switch.paths) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    try:
        _, said = process.communicate(timeout=5 * machine.slower)
    finally:
        switch.answering.set()
    assert (process.returncode, said) == (0, "")
    assert read_parquet(Path("report.parquet")).summary.states["UNKNOWN"] == 0


def test_the_plan_sends_and_writes_nothing(reconcile, gateway, folder):
    code, out, err = reconcile(
        "--plan", "--max-duration", "10s", "--quota-share", "0.5", pairs=6000
    )
    assert (code, err) == (0, "")
    assert gateway.tell()["asked"] == 0
    assert [path.name for path in folder.iterdir()] == ["pairs.csv"]
    assert "6,000 pairs" in out
    assert "at 490 per second" in out
    left = re.search(r"is not met: (1,[\d]{3}) pairs would be left", out)
    assert left
    assert 1_100 <= int(left[1].replace(",", "")) <= 1_600  # reading takes of the time, too


def test_the_plan_counts_what_an_unfinished_run_has_answered(reconcile, night, gateway, folder):
    settings = gateway.settings()
    gateway.tell(plan=[{"queries": 100, "do": {"open": False}}])
    stop = night(300, settings=settings, concurrency=8, patience_s=0.3)
    assert exit_code_of(stop) == 4
    before = sorted((path.name, path.stat().st_size) for path in folder.iterdir())
    _, out, _ = reconcile("--plan", pairs=300)
    (line,) = [line for line in out.splitlines() if line.startswith("answered")]
    answered = sum(query[3] is not None for query in gateway.tell(tell=True)["queries"])
    assert max(90, answered - 8) <= int(line.split()[1]) <= answered  # 8 were in flight
    assert sorted((path.name, path.stat().st_size) for path in folder.iterdir()) == before


def test_the_quota_share_is_the_part_of_the_rate_that_is_used(machine, night):
    quota = machine.rate(50)
    asking = night(150, rate=4 * quota, quota_share=0.25, concurrency=16).about["asking"]
    assert asking["rate"] == quota
    assert asking["worst_second"] <= quota
    assert 0.8 * quota < asking["achieved_rate"] <= 1.02 * quota


def test_the_report_says_how_long_it_was_held_back(night, gateway):
    gateway.tell(latency_s=0.1)
    asking = night(100, rate=200, concurrency=4).about["asking"]
    assert asking["starved_seconds"] > 1.0  # four at a time are too few for this gateway
    assert asking["throttled_seconds"] == asking["outage_seconds"] == 0
