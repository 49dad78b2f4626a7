"""The gateway goes away, comes back, throttles, hangs: nobody loses an answer over it."""

from __future__ import annotations

import time

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.store.outputs import parse_outputs
from tests.night import DAY

pytestmark = pytest.mark.slow

STRAYS = 7
"""A seed with which two of the first 2,000 requests, and not the last ones, are throttled."""


@pytest.fixture
def divided(request, folder):
    """Return the options of one part, of several, or of several that workers ask about."""
    parts = getattr(request, "param", 1)
    if parts != "workers":
        return {"partitions": parts}
    (folder / "reports").mkdir()
    outputs = parse_outputs((f"{folder}/reports/",), None, DAY, in_parts=True)
    return {"partitions": 8, "outputs": outputs, **request.getfixturevalue("by_workers")()}


in_parts_by_hand = pytest.mark.parametrize(
    "divided",
    [1, *(pytest.param(each, marks=pytest.mark.manual) for each in (4, "workers"))],
    ids=["one part", "4 parts", "workers"],
    indirect=True,
)

workers_by_hand = pytest.mark.parametrize(
    "divided",
    [1, pytest.param("workers", marks=pytest.mark.manual)],
    ids=["one part", "workers"],
    indirect=True,
)


def reasons(report):
    return report.summary.unknown_reasons


def test_a_gateway_that_is_down_at_the_start_ends_with_75_and_leaves_nothing(
    gateway, machine, night, folder
):
    settings = gateway.settings()
    gateway.tell(open=False)
    started = time.monotonic()
    stop = night(50, settings=settings)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 75
    assert "could not be reached" in str(stop)
    reach_s = machine.waits().sweep.reach_s
    assert reach_s <= time.monotonic() - started < 3 * reach_s
    assert {path.name for path in folder.iterdir()} == {"pairs.csv", ".report.lock"}


@workers_by_hand
def test_a_gateway_that_comes_up_soon_after_the_start_is_asked_as_if_nothing_had_been(
    gateway, night, is_true
):
    settings = gateway.settings()
    gateway.tell(open=False, plan=[{"seconds": 1.5, "do": {"open": True}}])
    report = night(200, settings=settings)
    assert is_true(report, 200)
    assert reasons(report) == {}


@in_parts_by_hand
def test_an_outage_in_the_middle_costs_no_pair_its_answer(gateway, machine, night, is_true):
    """Two seconds without a port to connect to: the breaker waits, and nobody is given up."""
    gateway.tell(plan=[{"queries": 300, "do": {"open": False}},
                       {"seconds": 2.0 * machine.slower, "do": {"open": True}}])  # fmt: skip
    report = night(900)
    assert is_true(report, 900)
    assert reasons(report) == {}
    asking = report.about["asking"]
    assert asking["outages"] == 1
    assert 1.0 < asking["outage_seconds"] / machine.slower < 4.0
    # A probe now and then, not every pair all the time; the breaker's waits are as long as all.
    assert asking["requests"] < 900 + 500 * machine.slower


@workers_by_hand
def test_a_gateway_that_stops_answering_for_a_while_costs_no_pair_its_answer(
    gateway, machine, night, is_true
):
    gateway.tell(plan=[{"queries": 300, "do": {"faults": "stall=1"}},
                       {"seconds": 2.0 * machine.slower, "do": {"faults": ""}}])  # fmt: skip
    report = night(600)
    assert is_true(report, 600)
    assert reasons(report) == {}


@workers_by_hand  # see test_layouts.test_4_patience
def test_patience_ends_with_4_where_nothing_is_answered_any_more(gateway, night, folder):
    gateway.tell(plan=[{"queries": 200, "do": {"faults": "stall=1"}}])
    stop = night(1_000, patience_s=2.0)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 4
    assert "No valid answer for" in str(stop)
    assert not list(folder.rglob("*.parquet"))
    assert list(folder.rglob("*.journal"))


@workers_by_hand
def test_patience_ends_with_4_where_nothing_is_answered_from_the_start_on(gateway, night, folder):
    gateway.tell(faults="stall=1")
    stop = night(100, patience_s=2.0)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 4
    assert list(folder.rglob("*.journal")) == []


@workers_by_hand
def test_patience_counts_throttles_as_silence_also_at_the_very_start(gateway, night):
    gateway.tell(faults="429=1")
    stop = night(100, patience_s=2.0)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 4
    assert "every request is throttled" in str(stop)


@workers_by_hand
def test_nothing_but_429_for_a_while_pauses_everybody_and_costs_no_pair_its_answer(
    gateway, machine, night, is_true
):
    gateway.tell(plan=[{"queries": 400, "do": {"faults": "429=1"}},
                       {"seconds": 2.0 * machine.slower, "do": {"faults": ""}}])  # fmt: skip
    report = night(600)
    assert is_true(report, 600)
    assert reasons(report) == {}
    asking = report.about["asking"]
    assert asking["pauses"] >= 1  # those under way pause all once; what they meet later is theirs
    assert asking["throttled_seconds"] >= 0.1
    assert asking["outages"] == 0


@pytest.mark.alone
def test_a_limit_that_shrinks_to_a_tenth_is_found_and_kept_to(gateway, machine, night, is_true):
    """From 600 a second to 60; once it is found, less than one request in ten is refused."""
    limit = round(machine.rate(600))
    shrunk = limit // 10
    gateway.tell(limit=limit, plan=[{"queries": limit, "do": {"limit": shrunk}}])
    pairs = limit + 6 * shrunk
    report = night(pairs, rate=limit)
    told = gateway.tell(tell=True)
    assert is_true(report, pairs)
    assert reasons(report) == {}
    asking = report.about["asking"]
    came = [query[2] for query in told["queries"]]
    end = came[-len(came) // 20]  # the last ones are single pairs that wait after a throttle
    speed = sum(end - 3.0 < at <= end for at in came) / 3.0
    throttled = told["throttled"]
    print(f"limit {limit} to {shrunk}: {throttled} of {len(came)} throttled, {speed:.0f}/s at last")
    assert throttled == asking["throttles"] < 0.2 * len(came)
    assert shrunk / 2 <= speed <= 1.2 * shrunk


@pytest.mark.alone
def test_one_stray_429_in_a_thousand_costs_less_than_a_twentieth_of_the_quota(
    gateway, machine, night, is_true
):
    """Other work of the machine costs some of it, too: the best of three nights counts."""
    rate = machine.rate(300)
    wanted, achieved = 0.95 * 0.98 * rate, []
    while len(achieved) < 3 and max(achieved, default=0.0) <= wanted:
        gateway.tell(reset=True, faults="429=0.001", seed=STRAYS)
        report = night(2_000, rate=rate)
        asking = report.about["asking"]
        achieved.append(asking["achieved_rate"])
        assert is_true(report, 2_000)
        assert asking["throttles"] == 2
        assert asking["pauses"] == 0
    print(f"stray 429s: {achieved}/s of {0.98 * rate:.0f}, 2 in 2,000")
    assert max(achieved) > wanted


@workers_by_hand
def test_every_tenth_connection_closed_costs_no_pair_its_answer(gateway, night, is_true):
    gateway.tell(faults="drop=0.1")
    report = night(1_000)
    assert is_true(report, 1_000)
    assert reasons(report) == {}
    assert report.about["asking"]["outages"] == 0


@workers_by_hand
def test_every_transient_fault_at_once_leaves_at_most_three_in_a_thousand_unknown(
    gateway, night, is_true
):
    """500, 502, dropped, stalled, truncated and a wrong signature on purpose, 5 % each."""
    gateway.tell(faults=",".join(
        f"{fault}=0.05" for fault in ("500", "502", "drop", "stall", "truncated", "probe")
    ))  # fmt: skip
    report = night(1_500, rate=5_000)
    assert is_true(report, 1_500)
    assert sum(reasons(report).values()) <= 0.003 * 1_500
    asking = report.about["asking"]
    assert sum(asking["outcomes"].values()) == asking["requests"]
    assert asking["requests"] == gateway.tell()["asked"]
    assert asking["outcomes"].keys() >= {
        "BodyError", "DisconnectedError", "ServerError", "SignatureError", "TimedOutError", "ok",
    }  # fmt: skip
    print(f"all transient faults: {reasons(report)} of 1,500, {asking['requests']} requests")


@workers_by_hand
def test_requests_sent_and_requests_seen_are_the_same_number_after_an_outage(
    gateway, machine, night
):
    """What could not be sent was not seen; all else was."""
    gateway.tell(plan=[{"queries": 300, "do": {"faults": "500=1"}},
                       {"seconds": 1.5 * machine.slower, "do": {"faults": ""}}])  # fmt: skip
    report = night(900)
    asking = report.about["asking"]
    assert asking["requests"] == gateway.tell()["asked"]
    assert asking["outages"] == 1
    assert reasons(report) == {}
