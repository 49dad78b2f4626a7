"""Who gains and loses ON again and again, and who never came back."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from jobs.history.pair_numbers import PairNumbers
from jobs.history.turns import LISTED, OFTEN, LostPair, PairTurns, TurnCounts


def numbers_of(*openids):
    numbers = PairNumbers()
    rows = pd.DataFrame(
        {"organization_id": pd.Categorical(["1"] * len(openids)), "openid": list(openids)}
    )
    numbers.number(rows)
    return numbers


@pytest.fixture
def turns():
    """Return a function that counts nights of the pairs a, b and c."""

    def turns(*nights):
        counts = TurnCounts()
        for each in nights:
            counts.observe(each, 3)
        return counts.turns(numbers_of("a", "b", "c"))

    return turns


def test_a_gain_and_a_loss_are_one_turn_and_a_hidden_change_is_two(turns, night):
    found = turns(
        night(1, a="ON OPENED", b="ON REAUTHORIZED", c="OFF CYCLED"),
        night(2, a="OFF CLOSED", b="NONE CLEARED ON", c="NONE CLEARED"),
        night(3, a="ON UNCHANGED", b="NONE UNCHANGED", c="ON OPENED"),
    )
    assert found.often == 2
    assert found.often_pairs == (
        PairTurns("1", "c", 3, date.fromordinal(3)),
        PairTurns("1", "b", 3, date.fromordinal(2)),
    )
    assert OFTEN == 3


def test_who_is_on_or_cycles_later_is_back_and_who_was_lost_again_is_not(turns, night):
    found = turns(
        night(1, a="OFF CLOSED", b="OFF CLOSED", c="NONE CLEARED ON"),
        night(2, a="ON REOPENED", b="OFF CYCLED", c="OFF UNCHANGED"),
        night(3, a="OFF CLOSED", b="UNKNOWN UNKNOWN"),
    )
    assert (found.lost, found.never_back) == (3, 2)
    assert found.never_back_pairs == (
        LostPair("1", "a", date.fromordinal(3)),
        LostPair("1", "c", date.fromordinal(1)),
    )
    assert found.never_back_gone == 1


def test_a_clearing_from_off_is_no_loss(turns, night):
    found = turns(night(1, a="NONE CLEARED"), night(2, a="NONE UNCHANGED"))
    assert (found.lost, found.never_back, found.often) == (0, 0, 0)


def test_of_many_the_first_thousand_are_listed_by_turns_date_and_name(night):
    openids = [f"o{number:04}" for number in range(LISTED + 20)]
    numbers, counts = numbers_of(*reversed(openids)), TurnCounts()
    everybody = night(1, a="OFF CYCLED")
    for day in (1, 2):
        some = numbers.number(
            pd.DataFrame({"organization_id": pd.Categorical(["1"] * len(openids)),
                          "openid": openids})
        )[0]  # fmt: skip
        rows = {name: getattr(everybody, name)[[0] * len(openids)] for name in (
            "organizations", "here", "answered", "on", "known_on", "change", "lost",
            "first_seen_ms",
        )}  # fmt: skip
        counts.observe(type(everybody)(day=day, pairs=some, **rows), len(openids))
    found = counts.turns(numbers)
    assert LISTED == 1_000
    assert found.often == LISTED + 20
    assert [pair.openid for pair in found.often_pairs] == openids[:LISTED]
