"""jobs.render.numbers: states with their net changes, shares and signs."""

from __future__ import annotations

import pytest

from jobs.render.numbers import share, signed, state_counts
from jobs.schema import State


def test_net_changes_are_closing_less_opening_and_add_up(after):
    report = after(
        {"A/a": "ON", "A/b": "ON", "A/c": "OFF"}, {"A/a": "OFF", "A/b": "NONE", "A/c": "OFF"}
    )
    assert {each.state: each.net for each in state_counts(report) if each.net is not None} == {
        "ON": -2,
        "OFF": 1,
        "NONE": 1,
    }


def test_a_pair_that_could_not_be_asked_makes_no_net_change(after):
    report = after({"A/a": "ON"}, {"A/a": "UNKNOWN"})
    assert {each.state: each.net for each in state_counts(report) if each.net is not None} == {
        "ON": 0,
        "OFF": 0,
        "NONE": 0,
    }


def test_nothing_is_a_net_change_where_there_is_no_baseline(report_of, nights):
    counts = state_counts(report_of({"A/a": "ON", "A/b": "UNKNOWN"}, nights[0]))
    assert [(each.state, each.pairs, each.known, each.net) for each in counts] == [
        (State.ON, 1, 1, None),
        (State.OFF, 0, 0, None),
        (State.NONE, 0, 0, None),
        (State.UNKNOWN, 1, None, None),
    ]


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 10, "0.0 %"), (10, 10, "100.0 %"), (1, 3, "33.3 %"), (0, 0, "-"),
        (1, 10_000_000, "< 0.1 %"), (9_999_999, 10_000_000, "> 99.9 %"), (1, 1000, "0.1 %"),
    ],
)  # fmt: skip
def test_a_share_is_never_rounded_to_nothing_or_all(part, whole, said):
    assert share(part, whole) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(1, 16, "6.3 %"), (1, 80, "1.3 %"), (3, 80, "3.8 %")]
)
def test_a_half_is_rounded_up_as_in_a_spreadsheet(part, whole, said):
    assert share(part, whole) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0"), (1200, "+1,200"), (-3, "-3")])
def test_a_change_has_its_sign(number, said):
    assert signed(number) == said
