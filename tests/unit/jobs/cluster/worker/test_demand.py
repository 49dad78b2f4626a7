"""A process asks for whatever there is while callers wait, else for a little more than it uses."""

from __future__ import annotations

from jobs.cluster.worker.demand import Demand


def asked(rate, *, seconds=4.0, waiting=0, has_more=True):
    """Return what is asked for at last by a process that sends so many a second."""
    demand, want = Demand(), None
    for step in range(int(seconds * 2) + 1):
        now = step / 2
        want = demand.want(now, granted=int(now * rate), waiting=waiting, has_more=has_more)
    return want


def test_while_callers_wait_it_takes_whatever_there_is():
    assert asked(20, waiting=1) is None


def test_who_has_not_begun_takes_whatever_there_is():
    assert Demand().want(100.0, granted=0, waiting=0, has_more=True) is None


def test_who_waits_for_answers_only_asks_for_a_quarter_more():
    assert asked(20) == 26


def test_who_has_nothing_to_ask_about_wants_nothing_after_two_seconds():
    assert asked(0, has_more=False) == 0
    assert asked(0) == 1
    demand = Demand()
    wants = [
        demand.want(now, granted=100, waiting=0, has_more=False) for now in (0.0, 0.5, 2.0, 2.5)
    ]
    assert wants == [0, 0, 0, 0]
