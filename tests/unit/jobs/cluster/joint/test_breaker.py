"""The gateway is down when all members fail; one that fails alone is told from that."""

from __future__ import annotations

from jobs.cluster.joint.breaker import JointBreaker
from jobs.cluster.quota.messages import Counts


class Members:
    """Members that report successes and failures."""

    def __init__(self):
        self.breaker, self.counts = JointBreaker(now=0.0), {}

    def report(self, member, now, *, successes=0, failures=0):
        before = self.counts.get(member, Counts())
        row = failures if successes else before.failures_in_a_row + failures
        after = Counts(
            successes=before.successes + successes,
            failures=before.failures + failures,
            failures_in_a_row=row,
        )
        self.counts[member] = after
        self.breaker.add(member, before, after, now)
        return self.breaker.is_open


def test_it_opens_when_the_row_of_all_is_twenty_and_nobody_succeeded_for_three_seconds():
    members = Members()
    members.report("a", 10.0, successes=5)
    assert not members.report("a", 12.0, failures=10)
    assert not members.report("b", 12.5, failures=10), "2.5 s are not enough"
    assert members.report("a", 13.0, failures=1)
    assert members.breaker.openings == 1


def test_nineteen_failures_do_not_open_it_and_a_success_of_anybody_ends_the_row():
    members = Members()
    members.report("a", 10.0, successes=5)
    assert not members.report("a", 14.0, failures=19)
    members.report("b", 14.5, successes=1)
    assert not members.report("a", 18.0, failures=19)


def test_the_first_success_closes_it():
    members = Members()
    members.report("a", 10.0, successes=1)
    assert members.report("a", 14.0, failures=20)
    assert not members.report("b", 19.0, successes=1)
    assert members.breaker.open_s(30.0) == 5.0


def test_members_probe_in_turn():
    members = Members()
    members.report("a", 10.0, failures=20)
    turns = [
        [name for name in "abc" if members.breaker.probes(name, ["a", "b", "c"], now)]
        for now in (10.0, 19.9, 20.0, 30.0, 40.0)
    ]
    assert turns == [["a"], ["a"], ["b"], ["c"], ["a"]]
    assert not members.breaker.probes("a", [], 10.0)


def test_one_that_fails_while_others_succeed_fails_alone():
    members = Members()
    for number in range(14):
        now = 10 + number / 2
        members.report("b", now, successes=3)
        members.report("a", now, successes=number == 0, failures=3 * (number > 0))
        assert not members.breaker.is_open
        assert members.breaker.fails_alone("a") is (number >= 7)
    assert not members.breaker.fails_alone("b")
    assert not members.breaker.fails_alone("unknown")


def test_when_the_gateway_goes_down_nobody_fails_alone():
    """Their last successes are reported at different moments."""
    members = Members()
    members.report("a", 10.0, successes=3)
    members.report("b", 10.5, successes=3)
    for number in range(40):
        members.report("a", 11 + number / 2, failures=5)
        members.report("b", 11.2 + number / 2, failures=5)
        assert not members.breaker.fails_alone("a")
        assert not members.breaker.fails_alone("b")
    assert members.breaker.is_open


def test_one_member_alone_is_not_barred_but_opens_it():
    members = Members()
    members.report("a", 10.0, successes=1)
    assert members.report("a", 20.0, failures=30)
    assert not members.breaker.fails_alone("a")
