"""The command with the waiting times that it really has.

Each of these nights mostly waits, so they are all begun with the first test and looked at here.
"""

from __future__ import annotations

import json

import pytest

from jobs.report.parquet import read_parquet

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
def test_an_outage_of_20_seconds_at_300_a_second_costs_no_pair_its_answer(nights, is_true):
    night = nights["outage"]
    took = night.wait()
    assert night.process.returncode == 0
    report = read_parquet(night.folder / "report.parquet")
    asking = report.about["asking"]
    print(f"20 s outage at 300/s: {took:.0f} s, {asking}")
    assert is_true(report, 1_500)
    assert report.summary.unknown_reasons == {}
    assert asking["outages"] == 1
    assert 14 < asking["outage_seconds"] < 24
    events = [json.loads(line) for line in night.said.splitlines() if line.startswith("{")]
    assert [event["event"][:22] for event in events] == [
        "the gateway is down (n", "the gateway answers ag",
    ]  # fmt: skip


@pytest.mark.timeout(300)
def test_a_gateway_that_nobody_can_reach_ends_with_75_after_half_a_minute(nights, machine):
    night = nights["nobody"]
    assert 30 < night.wait() < 30 + 15 * machine.slower  # starting takes its time, too
    assert night.process.returncode == 75
    line = night.said.splitlines()[-1]
    assert line.startswith("palm-reconcile: the gateway could not be reached")
    left = {path.name for path in night.folder.iterdir()}
    assert left == {"pairs.csv", ".report.lock"}


@pytest.mark.timeout(300)
def test_sigterm_while_the_gateway_hangs_ends_the_run_within_12_seconds(nights, machine):
    night = nights["hang"]
    night.wait()
    took = night.ended - night.signalled
    print(f"SIGTERM while the gateway hangs: ended after {took:.1f} s")
    assert took < 10 + 2 * machine.slower
    assert night.process.returncode == 143
    assert "to go on: palm-reconcile" in night.said.splitlines()[-1]
