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


def test_what_a_lost_worker_had_in_flight_is_known_from_its_last_report(own):
    totals = Totals(own)
    for member, worker, sent in (("m1", "a", 5), ("m2", "b", 30), ("m3", "b", 9)):
        totals.add(member, asked(5), worst_second=5, host_switches=0, worker=worker, sent=sent)
    assert totals.in_flight_elsewhere({"a", "b"}) == 0
    assert totals.in_flight_elsewhere({"a"}) == 25 + 4
    totals.add("m2", asked(30), worst_second=5, host_switches=0, worker="b", sent=30)
    assert totals.in_flight_elsewhere({"a"}) == 4


def test_once_they_are_final_a_late_report_changes_nothing(own):
    totals = Totals(own)
    totals.add("a", asked(5), worst_second=5, host_switches=0)
    totals.end()
    own.requests += 3  # found in the journals of a worker that was lost
    totals.add("a", asked(6), worst_second=9, host_switches=4)
    assert own.requests == 18
    assert (totals.worst_second, totals.host_switches) == (5, 0)
