"""Signals and deadlines: what is known is kept, what was not asked is said, nobody starves."""

from __future__ import annotations

import os
import shlex
import signal
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.report.parquet import read_parquet
from tests.night import DAY, NEXT, without_times

pytestmark = pytest.mark.slow


def resumed(report):
    return report.about["asking"]["resumed"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_and_the_command_it_prints_goes_on(
    gateway, machine, start, source, is_true, number, code
):
    """As a supervisor does it: within 12 s, and what was in flight is finished."""
    gateway.tell(latency_s=0.2)
    process = start(
        source(300), "-o", "report.parquet", "--run-date", DAY, "--rate", machine.rate(300)
    )
    while gateway.tell()["asked"] < 80:
        assert process.poll() is None
        time.sleep(0.02)
    sent = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=10 + 2 * machine.slower)
    assert process.returncode == code
    print(f"signal {number}: ended after {time.monotonic() - sent:.2f} s")
    assert not Path("report.parquet").exists()
    (line,) = [each for each in said.splitlines() if "interrupted" in each]
    asked = gateway.tell()["asked"]
    words = shlex.split(line.partition("to go on: ")[2])
    assert words[0] == "palm-reconcile"
    gateway.tell(latency_s=0.0)
    config = words.index("--config")
    again = start(*words[1:config], *words[config + 2 :], config=words[config + 1])
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0
    report = read_parquet(Path("report.parquet"))
    assert is_true(report, 300)
    assert resumed(report) == asked  # nothing that was in flight was lost
    assert gateway.tell()["asked"] == 300


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_before_anything_is_asked_ends_the_run_on_one_line(
    gateway, machine, start, folder, number, code
):
    """Here while it waits for an input that nobody writes."""
    os.mkfifo(folder / "pairs.csv")
    process = start("pairs.csv", "-o", "report.parquet", "--metrics", "palm.prom")
    with (folder / "pairs.csv").open("w") as file:  # opens once the run reads
        file.write("openid,organization_id\n")
        file.flush()
        process.send_signal(number)
        _, said = process.communicate(timeout=10 + 2 * machine.slower)
    assert process.returncode == code
    assert [line for line in without_times(said).splitlines() if line] == [
        "palm-reconcile: interrupted; nothing is written"
    ]
    assert (
        f'palm_reconcile_exit_code{{report="report"}} {code}.0\n' in Path("palm.prom").read_text()
    )
    assert gateway.tell()["asked"] == 0
    assert list(folder.glob("*.parquet")) == []


def test_a_second_signal_leaves_at_once(gateway, machine, start, source, report_path):
    gateway.tell(latency_s=8.0)
    process = start(source(300), "-o", report_path, "--run-date", DAY, "--rate", 200)
    while not gateway.tell()["asked"]:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert process.poll() is None
    sent = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(5 * machine.slower)
    assert time.monotonic() - sent < 1.0 * machine.slower
    assert process.returncode == 143


def signal_after(seconds, ready=lambda: True):
    """Send SIGTERM to this process so long after the run in it listens for signals and is ready."""

    def send():
        while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL or not ready():
            time.sleep(0.01)
        time.sleep(seconds)
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # else it would end the tests
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "trouble", [{"open": False}, {"faults": "stall=1"}, {"faults": "429=1"}, {"faults": "500=1"}],
    ids=lambda trouble: str(*trouble.values()),
)  # fmt: skip
def test_a_signal_before_anything_was_answered_ends_the_run_too(
    gateway, machine, night, folder, trouble
):
    """One second after it at most, as the waits have it here."""
    settings = gateway.settings()
    gateway.tell(**trouble)
    timer = signal_after(0.4)
    started = time.monotonic()
    stop = night(100, settings=settings)
    timer.join()
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 143
    assert time.monotonic() - started < 4.0 * machine.slower
    assert list(folder.glob("*.parquet")) == []


def test_a_signal_in_an_outage_ends_the_run_and_keeps_what_was_answered(gateway, night):
    settings = gateway.settings()
    gateway.tell(plan=[{"queries": 200, "do": {"open": False}}])
    timer = signal_after(0.8, ready=lambda: gateway.tell()["asked"] >= 200)
    stop = night(1_000, settings=settings, rate=500)
    timer.join()
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 143
    gateway.tell(reset=True)
    assert resumed(night(1_000, settings=settings)) >= 190


def test_what_there_was_no_time_for_is_not_asked_and_the_report_says_so(
    gateway, machine, night, is_true
):
    rate = machine.rate(200)
    report = night(1_000, rate=rate, seconds=300 / rate)
    assert is_true(report, 1_000)
    assert report.summary.unknown_reasons.keys() == {"NOT_ASKED"}
    assert report.about["run"]["exit_code"] == 3
    known = 1_000 - report.summary.states["UNKNOWN"]
    # What was sent just before the time to finish was over may have been answered to nobody.
    assert known <= len(gateway.times_asked()) <= known + 5
    coverage = report.about["asking"]["knowledge"]["coverage"]
    assert coverage == pytest.approx(1 - report.summary.states["UNKNOWN"] / 1_000, abs=0.001)


def test_a_deadline_that_came_first_ends_with_3_however_little_is_unknown(machine, night):
    rate = machine.rate(200)
    report = night(500, rate=rate, seconds=200 / rate, max_unknown=1.0)
    assert report.summary.unknown_reasons.keys() == {"NOT_ASKED"}
    assert report.about["run"]["exit_code"] == 3


def test_a_deadline_in_an_outage_is_kept(gateway, machine, night, is_true):
    settings = gateway.settings()
    gateway.tell(plan=[{"queries": 150, "do": {"open": False}}])
    started = time.monotonic()
    report = night(1_000, settings=settings, rate=300, seconds=2.0 * machine.slower)
    assert time.monotonic() - started < 7.0 * machine.slower
    assert is_true(report, 1_000)
    assert report.about["run"]["exit_code"] == 3
    assert report.summary.unknown_reasons["NOT_ASKED"] > 700


def test_no_time_at_all_publishes_what_the_journal_holds(gateway, night, is_true):
    gateway.tell(plan=[{"queries": 200, "do": {"open": False}}])
    stop = night(500, settings=(settings := gateway.settings()), rate=500, patience_s=0.5)
    assert exit_code_of(stop) == 4
    gateway.tell(reset=True)
    report = night(500, settings=settings, seconds=0.0)
    assert is_true(report, 500)
    assert gateway.tell()["asked"] == 0
    assert report.about["run"]["exit_code"] == 3
    assert resumed(report) == 500 - report.summary.states["UNKNOWN"] >= 190


def test_over_the_nights_everybody_has_a_turn_though_no_night_has_time_for_half(
    gateway, machine, night
):
    """Some third a night: in five nights nobody is asked in the first alone."""
    asked_at = Counter()
    rate = machine.rate(150)
    for number in range(5):
        gateway.tell(reset=True)
        report = night(
            300, run_date=DAY + timedelta(days=number), rate=rate, seconds=120 / rate,
            concurrency=8,
        )  # fmt: skip
        for pair in gateway.times_asked():
            asked_at[pair] = number
        assert gateway.tell()["asked"] < 150
    assert len(asked_at) == 300
    assert min(asked_at.values()) >= 1
    assert report.summary.known["never"] == 0


def test_those_never_answered_are_asked_before_those_that_are_known(gateway, machine, night):
    assert night(100).summary.states["UNKNOWN"] == 0
    rate = machine.rate(100)
    gateway.tell(reset=True)
    report = night(250, run_date=NEXT, rate=rate, seconds=100 / rate, concurrency=8)
    new = report.rows[report.rows["input_line"] > 101]
    old = report.rows[report.rows["input_line"] <= 101]
    assert (new["state"] != "UNKNOWN").sum() > 60
    assert (old["state"] != "UNKNOWN").sum() <= 5  # the canary's
    assert set(old["known_state"]) <= {"ON", "OFF", "NONE"}
