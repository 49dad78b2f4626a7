"""The ledger: whole and fair shares, raised out of what is free, lowered when it is confirmed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.quota.ledger import Ledger, fair_shares
from jobs.cluster.quota.member import Member
from jobs.cluster.quota.messages import Question
from palm import Clock

START = 4.25


class Desk:
    """Asks a ledger for members who confirm whatever they get, unless told otherwise."""

    def __init__(self, rate=10.0):
        self.ledger = Ledger(rate, started_at=0.0)
        self.shares, self.seqs = {}, {}

    def ask(self, member, now, want=None, *, using=None, hears=True, **options):
        self.seqs[member] = self.seqs.get(member, 0) + 1
        using = self.shares.get(member, 0) if using is None else using
        reply = self.ledger.answer(Question(member, self.seqs[member], using, want), now, **options)
        if hears:
            self.shares[member] = reply.share
        return reply


@pytest.mark.parametrize(
    ("quota", "wants", "shares"),
    [
        (10, [None], [10]),
        (10, [None, None, None], [4, 3, 3]),
        (10, [1, None, None], [1, 5, 4]),
        (10, [None, 2, 0], [8, 2, 0]),
        (10, [2, 3], [2, 3]),
        (2, [None, None, None], [1, 1, 0]),
        (1, [None, 5], [0, 1]),
    ],
)
def test_nobody_has_more_while_another_has_too_little(quota, wants, shares):
    names = [f"m{number}" for number in range(len(wants))]
    found = fair_shares(quota, dict(zip(names, wants, strict=True)))
    assert [found[name] for name in names] == shares


@given(
    quota=st.integers(1, 100),
    wants=st.dictionaries(st.text("abcdef"), st.none() | st.integers(0, 60), max_size=6),
)
def test_shares_are_max_min_fair(quota, wants):
    """Whoever has less than it wants has as much as anybody, but for one share; nothing is left."""
    shares = fair_shares(quota, wants)
    most = max(shares.values(), default=0)
    limits = {name: quota if want is None else want for name, want in wants.items()}
    assert all(shares[name] <= limits[name] for name in wants)
    assert all(shares[name] >= most - 1 for name in wants if shares[name] < limits[name])
    assert sum(shares.values()) == min(quota, sum(limits.values()))


def test_nothing_is_granted_while_another_command_may_have_granted_it():
    desk = Desk()
    assert desk.ask("a", START - 0.01).share == 0
    assert desk.ask("a", START).share == 10


@pytest.mark.parametrize(
    ("rate", "share", "paced"), [(10.0, 10, 10.0), (2.9, 2, 2.0), (1.0, 1, 1.0), (0.2, 1, 0.2)]
)
def test_shares_are_whole_and_below_one_a_second_one_member_has_the_only_one(rate, share, paced):
    desk = Desk(rate)
    first = desk.ask("a", START)
    assert (first.share, first.rate) == (share, paced)
    assert desk.ask("b", START).share == 0


def test_what_one_uses_is_granted_to_another_only_after_it_confirmed_and_the_hold():
    desk = Desk()
    desk.ask("a", 10.0)
    assert desk.ask("b", 10.1).share == 0, "all of it is in use"
    assert desk.ask("a", 10.2, hears=False).share == 5
    assert desk.ask("b", 10.3).share == 0, "the reply may be lost, so it is in use still"
    assert desk.ask("a", 10.7, hears=False).share == 5
    desk.ask("a", 10.9, using=5)
    assert desk.ask("b", 12.14).share == 0
    assert desk.ask("b", 12.16).share == 5
    assert desk.ledger.most_reserved == 10


def test_below_one_a_second_the_spacing_holds_across_members():
    desk = Desk(0.2)
    desk.ask("a", 10.0)
    desk.ask("b", 10.0)
    desk.ask("a", 10.1, want=0)
    desk.ask("a", 10.2, want=0)
    for later in (12.0, 13.0, 14.0, 15.0):
        assert desk.ask("b", later).share == 0
        desk.ask("a", later, want=0)
    assert desk.ask("b", 15.46).share == 1


def test_a_lease_that_ended_is_held_back_too():
    desk = Desk()
    desk.ask("a", 10.0)
    assert [desk.ask("b", 10 + after).share for after in (3.0, 3.2, 4.3)] == [0, 0, 0]
    assert desk.ask("b", 14.36).share == 10
    assert desk.ledger.members == ["b"]


def test_a_question_that_was_overtaken_is_not_answered_and_changes_nothing():
    ledger = Ledger(10.0, started_at=0.0)
    assert ledger.answer(Question("a", 2, 0), 10.0).share == 10
    assert ledger.answer(Question("a", 1, 0, want=0), 10.1) is None
    assert ledger.answer(Question("a", 2, 0, want=0), 10.1) is None
    assert ledger.answer(Question("b", 1, 0), 10.2).share == 0


def test_nothing_is_granted_during_a_pause_and_no_lease_outlasts_the_deadline():
    desk = Desk()
    assert desk.ask("a", 10.0, grants=lambda _: False).share == 0
    assert desk.ask("a", 10.5).share == 10
    ending = desk.ask("a", 11.0, seconds_left=0.4)
    assert (ending.share, ending.lease_s) == (10, 0.4)
    over = desk.ask("a", 11.5, seconds_left=-1.0)
    assert (over.share, over.lease_s) == (0, 0.0)


def test_a_lower_rate_lowers_everybody_and_a_higher_one_raises_nobody_beyond_what_is_free():
    desk = Desk(20.0)
    desk.ask("a", 10.0)
    desk.ask("a", 10.5)
    desk.ledger.rate = 7.0
    assert desk.ask("a", 11.0).share == 7
    desk.ask("a", 11.1)
    desk.ledger.rate = 30.0
    assert desk.ask("a", 11.2).share == 17, "13 are held back"
    assert desk.ask("a", 12.4).share == 30


def test_a_member_that_may_use_nothing_gets_nothing_and_the_others_get_all():
    desk = Desk()
    desk.ask("a", 10.0)
    not_a = {"grants": lambda name: name != "a"}
    desk.ask("b", 10.1, **not_a)
    assert desk.ask("a", 10.2, **not_a).share == 0
    desk.ask("a", 10.3, **not_a)
    assert desk.ask("b", 11.6, **not_a).share == 10


class AnyReply(Member):
    """A member that takes any reply for the one to its latest question."""

    def receive(self, reply):
        return super().receive(type(reply)(**{**reply.to_json(), "seq": self._seq}))


@pytest.mark.parametrize(("kind", "used"), [(Member, 10), (AnyReply, 15)])
def test_only_the_reply_to_the_latest_question_counts(kind, used):
    """A reply that raises a share is overtaken; the ledger has given the share to another since."""
    now = 10.0
    clock = Clock(elapsed=lambda: now, wall=lambda: now)
    ledger = Ledger(10.0, started_at=0.0)
    one, other = kind("one", clock=clock), kind("other", clock=clock)
    overtaken = ledger.answer(one.question(None), now)
    for now in (10.5, 11.0, 11.5, 12.0, 12.5):
        for member in (one, other):
            member.receive(ledger.answer(member.question(None), now))
    assert (one.share, other.share) == (5, 5)
    one.receive(overtaken)
    assert one.share + other.share == used


def test_questions_that_waited_until_their_leases_had_ended_reserve_nothing_twice():
    """The command was held up for longer than a lease, and two questions of each member waited."""
    desk = Desk(rate=3000.0)
    members = ("a", "b", "c", "d")
    for member in members:
        desk.ask(member, 10.0)
    for now in (10.5, 12.0, 13.5, 14.0):
        for member in members:
            desk.ask(member, now)
    assert desk.shares == dict.fromkeys(members, 750)
    for now in (17.2, 17.3):
        shares = [desk.ask(member, now, using=750).share for member in members]
        assert shares == [0] * 4  # what they had is held back
    assert [desk.ask(member, 18.5, using=0).share for member in members] == [750] * 4
    assert desk.ledger.most_reserved == 3000
