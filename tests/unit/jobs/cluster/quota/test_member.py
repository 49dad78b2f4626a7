"""A member may use its share until 3 s after the question, by whichever clock is first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.cluster.quota.member import LeaseLostError, Member
from jobs.cluster.quota.messages import Counts, Question, Reply
from palm import Clock


class Machine:
    def __init__(self):
        self.elapsed, self.wall = 50.0, 1e9
        clock = Clock(elapsed=lambda: self.elapsed, wall=lambda: self.wall)
        self.member = Member("m-1", clock=clock)

    def sleep(self, seconds):
        self.elapsed += seconds
        self.wall += seconds

    def ask(self, share=7, **changes):
        """Ask and receive the reply at once."""
        question = self.member.question(None)
        reply = Reply("m-1", question.seq, share, float(share), 3.0)
        assert self.member.receive(replace(reply, **changes))
        return question


@pytest.fixture
def machine():
    return Machine()


def test_without_a_reply_there_is_no_share(machine):
    assert (machine.member.share, machine.member.rate, machine.member.lease) == (0, 0.0, None)
    assert machine.member.is_due
    assert machine.member.question(4) == Question("m-1", 1, 0, 4)


def test_a_question_says_what_is_used_and_comes_twice_a_second(machine):
    machine.ask()
    assert not machine.member.is_due
    machine.sleep(0.49)
    assert not machine.member.is_due
    machine.sleep(0.02)
    assert machine.member.is_due
    counts = Counts(answers=3)
    assert machine.member.question(None, counts) == Question("m-1", 2, 7, None, counts)


def test_the_lease_begins_when_the_question_is_sent_not_when_the_reply_comes(machine):
    question = machine.member.question(None)
    machine.sleep(2.9)
    assert machine.member.receive(Reply("m-1", question.seq, 7, 7.0, 3.0))
    assert machine.member.share == 7
    machine.sleep(0.11)
    assert machine.member.share == 0


@pytest.mark.parametrize(("elapsed", "wall"), [(3.0, 0.0), (0.0, 3.0), (3.0, -9e9)])
def test_it_ends_by_whichever_clock_is_first(machine, elapsed, wall):
    machine.ask()
    machine.elapsed += elapsed
    machine.wall += wall
    assert (machine.member.share, machine.member.lease) == (0, None)


def test_a_lease_whose_end_was_told_does_not_come_back_when_the_clock_is_set_back(machine):
    machine.ask()
    machine.wall += 60
    assert machine.member.question(None).using == 0
    machine.wall -= 60
    assert machine.member.share == 0


@pytest.mark.parametrize("changes", [{"seq": 1}, {"seq": 3}, {"member": "m-2"}])
def test_a_reply_to_another_question_or_to_another_member_does_not_count(machine, changes):
    machine.ask()
    machine.member.question(None)
    assert not machine.member.receive(replace(Reply("m-1", 2, 9, 9.0, 3.0), **changes))
    assert machine.member.share == 7


def test_a_reply_that_comes_after_its_lease_does_not_count(machine):
    question = machine.member.question(None)
    machine.sleep(3)
    assert not machine.member.receive(Reply("m-1", question.seq, 7, 7.0, 3.0))


def test_a_lower_share_is_confirmed_at_once(machine):
    machine.ask(7)
    machine.sleep(0.1)
    machine.ask(9)
    assert not machine.member.is_due
    machine.ask(6)
    assert machine.member.is_due
    assert machine.member.question(None).using == 6


def test_who_leaves_gives_its_share_up(machine):
    machine.ask()
    assert machine.member.leave() == Question("m-1", 2, 0, 0)
    assert machine.member.share == 0


def test_a_share_of_nothing_is_a_lease_too(machine):
    for _ in range(20):
        machine.ask(0, rate=0.0)
        machine.member.check()
        assert machine.member.share == 0
        machine.sleep(0.5)


def test_without_a_lease_for_three_seconds_it_stops(machine):
    machine.ask()
    machine.sleep(3)
    machine.member.question(None)
    machine.sleep(2.9)
    machine.member.question(None)
    machine.member.check()
    machine.sleep(0.1)
    with pytest.raises(LeaseLostError, match=r"^its worker had no share of the quota for 3 s: "):
        machine.member.check()


def test_who_slept_may_ask_before_it_stops(machine):
    machine.ask()
    machine.sleep(3600)
    machine.member.check()
    machine.ask()
    machine.member.check()
    assert machine.member.share == 7
