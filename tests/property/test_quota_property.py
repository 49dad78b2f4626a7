"""One quota for many processes: whatever fails, no second holds more, and it is used.

The schedules are hypothesis'. A mutant, of which one rule is taken away, must exceed the quota in
some of the nights that a fixed seed gives: otherwise the nights are too quiet to prove anything.
Rules that few nights need have tests of their own: ``tests/unit/jobs/cluster/quota``.
"""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.cluster.quota.ledger import Ledger
from jobs.cluster.quota.member import Member
from tests.examples import examples_of
from tests.leased_quota import Kinds, Night

WHAT = (
    "stop", "suspend", "set_wall", "die", "arrive", "want", "stop_command", "restart",
    "change_rate",
)  # fmt: skip
SECONDS = 30.0
DELAY = st.none() | st.floats(0, 0.05) | st.floats(0, 0.5) | st.floats(0, 5)
EVENT = st.tuples(st.floats(0, SECONDS), st.sampled_from(WHAT), st.integers(0, 9), st.floats(0, 9))


def hostile(rate, network, paths, events, kinds=None) -> Night:
    """Return a night with these processes and events, when it is over."""
    night = Night(rate, network, kinds)
    for path_s in paths:
        night.join(path_s=path_s)
    for at, what, which, seconds in events:
        amount = (seconds - 4.5) * 100 if what == "set_wall" else seconds
        night.at(at, partial(getattr(night, what), which, amount))
    night.run(SECONDS)
    return night


@settings(max_examples=examples_of(1000))
@given(
    rate=st.floats(0.3, 40) | st.integers(1, 40),
    network=st.lists(DELAY, min_size=1, max_size=12),
    paths=st.lists(st.sampled_from([0.0, 0.1, 0.24]), min_size=1, max_size=5),
    events=st.lists(EVENT, max_size=12),
)
def test_no_second_holds_more_than_the_quota(rate, network, paths, events):
    assert hostile(rate, network, paths, events).overrun() <= 0


@settings(max_examples=examples_of(60))
@given(
    rate=st.integers(20, 200),
    network=st.lists(st.floats(0, 0.1), min_size=1, max_size=6),
    members=st.integers(1, 6),
)
def test_the_quota_is_used_when_nothing_changes(rate, network, members):
    night = Night(rate, network)
    for _ in range(members):
        night.join()
    night.run(20)
    assert night.used(10, 20) >= 0.95
    assert night.overrun() <= 0


@settings(max_examples=examples_of(60))
@given(
    rate=st.integers(20, 100),
    network=st.lists(st.floats(0, 0.1), min_size=1, max_size=6),
    wants=st.lists(st.sampled_from([None, 3]), min_size=1, max_size=4),
    ends=st.sampled_from(["want", "die"]),
)
def test_what_one_does_not_use_is_used_by_the_others_within_3_seconds(rate, network, wants, ends):
    night = Night(rate, network)
    last, *others = [night.join(want) for want in (None, *wants, None)]
    night.run(15)
    last.set_want(0) if ends == "want" else night.die(0, 0)
    after = 3.0 if ends == "want" else 4.4 + 0.6
    night.run(15 + after + 5)
    assert night.used(15 + after, 15 + after + 5) >= 0.95
    assert night.overrun() <= 0
    assert all(process.sent for process in others)


class NoHold(Ledger):
    def _hold(self, shares, since):
        pass


class NoLeaseCheck(Member):
    @property
    def lease(self):
        return self._lease


class NoWait(Ledger):
    """Grants at once, though another command may have granted everything just now."""

    def __init__(self, rate, *, started_at, rules=None):
        super().__init__(rate, started_at=started_at, rules=rules)
        self._grants_from = started_at


def over_quota(kinds: Kinds) -> int:
    """Return in how many of the same 60 nights the quota was exceeded."""
    found = 0
    for seed in range(60):
        chance = random.Random(seed)
        network = [chance.choice([0.01, 0.05, 0.3, 2.0, None]) for _ in range(7)] + [0.01] * 7
        events = [
            (
                chance.uniform(5, SECONDS),
                chance.choice(WHAT),
                chance.randrange(9),
                chance.uniform(0, 9),
            )
            for _ in range(8)
        ]
        found += hostile(30, network, (0.0, 0.24, 0.1), events, kinds).overrun() > 0
    return found


@pytest.mark.slow
def test_none_of_sixty_nights_is_over_the_quota():
    assert over_quota(Kinds()) == 0


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [NoHold, NoWait])
def test_a_ledger_without_one_of_its_rules_exceeds_the_quota(mutant):
    assert over_quota(Kinds(ledger=mutant)) > 0


@pytest.mark.slow
def test_so_does_a_member_that_does_not_check_its_lease():
    assert over_quota(Kinds(member=NoLeaseCheck)) > 0
