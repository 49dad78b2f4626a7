"""The counts of all workers add up to those of one process."""

from __future__ import annotations

from collections import Counter

import pytest

from jobs.cluster.dispatch.totals import Totals
from jobs.sweep.stats import RequestStats


@pytest.fixture
def own():
    """The command's own counts: those of the canary."""
    return RequestStats(requests=10, outcomes=Counter(ok=10))


def asked(requests):
    return RequestStats(requests=requests, outcomes=Counter(ok=requests))


def test_the_last_report_of_each_member_counts(own):
    totals = Totals(own)
    totals.add("a", asked(5), worst_second=5, host_switches=0)
    totals.add("b", asked(7), worst_second=4, host_switches=1)
    totals.add("a", asked(9), worst_second=6, host_switches=1)
    assert (own.requests, own.outcomes["ok"]) == (26, 26)
    assert (totals.worst_second, totals.host_switches) == (10, 2)


@pytest.fixture
def three(own):
    """Two members of worker b and one of worker a, each with five answers."""
    totals = Totals(own)
    for member, worker, sent in (("m1", "a", 5), ("m2", "b", 30), ("m3", "b", 9)):
        totals.add(
            member, asked(5), worst_second=5, host_switches=0, worker=worker, sent=sent, left=100
        )
    return totals


def test_nothing_is_cut_off_where_all_go_on(own):
    totals = Totals(own)
    for worker in "ab":
        totals.add(
            worker * 2, asked(5), worst_second=5, host_switches=0, worker=worker, sent=9, left=9
        )
    assert totals.cut_off({"a", "b"}, 0) == 0


def test_what_a_lost_worker_had_in_flight_is_known_from_its_last_report(three):
    assert three.cut_off({"a"}, 0) == 25 + 4
    three.add("m2", asked(30), worst_second=5, host_switches=0, worker="b", sent=30, left=75)
    assert three.cut_off({"a"}, 0) == 4


def test_a_worker_that_begins_anew_had_requests_in_flight_before(three):
    assert three.cut_off({"a", "b"}, 0) == 25  # m3 goes on


@pytest.mark.parametrize(
    ("answers", "cut_off"), [(0, 29), (29, 29), (100, 29), (180, 20), (200, 0), (201, 0)]
)
def test_a_lost_worker_that_went_on_after_its_last_report_sent_further_requests(
    three, answers, cut_off
):
    """As many as it had answers, until few pairs were left."""
    assert three.cut_off({"a"}, answers) == cut_off


def test_once_they_are_final_a_late_report_changes_nothing(own):
    totals = Totals(own)
    totals.add("a", asked(5), worst_second=5, host_switches=0)
    totals.end()
    own.requests += 3  # found in the journals of a worker that was lost
    totals.add("a", asked(6), worst_second=9, host_switches=4)
    assert own.requests == 18
    assert (totals.worst_second, totals.host_switches) == (5, 0)
