"""Scales have round ticks, and every value between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.render.svg import percent
from jobs.render.svg.scale import Scale, round_scale


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0, 7], (0, 2, 4, 6, 8)),
        ([98, 104], (98, 100, 102, 104)),
        ([0, 1], (0, 1)),
        ([0], (0, 1)),
        ([5], (5, 6)),
        ([], (0, 1)),
        ([-12, 30], (-20, 0, 20, 40)),
        ([1, 1_234_567], (0, 500_000, 1_000_000, 1_500_000)),
    ],
)
def test_ticks_are_round_whole_numbers(values, ticks):
    assert round_scale(values, 100, 0).ticks == ticks


def test_fractions_have_round_ticks_without_the_rest_of_binary_ones():
    scale = round_scale([0.31, 0.58], 0, 1, whole=False, zero=False)
    assert scale.ticks == (0.3, 0.4, 0.5, 0.6)


def test_a_scale_begins_at_zero_where_the_values_come_near_it():
    assert round_scale([40, 100], 0, 1).low == 0
    assert round_scale([60, 100], 0, 1).low > 0
    assert round_scale([60, 100], 0, 1, zero=True).has_zero


def test_a_value_stands_between_the_two_ends_in_proportion():
    scale = Scale(0, 200, 90, 10)
    assert [scale(value) for value in (0, 50, 200)] == [90, 70, 10]
    assert Scale(3, 3, 90, 10)(3) == 50


NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e6, 1e6))


@given(values=st.lists(NUMBERS, max_size=6), most=st.integers(3, 9), whole=st.booleans())
def test_every_value_is_on_the_scale_and_the_ticks_are_evenly_apart(values, most, whole):
    scale = round_scale(values, 100, 0, most=most, whole=whole)
    slack = 1e-6 * max(map(abs, scale.ticks))
    assert 2 <= len(scale.ticks) <= most
    assert all(scale.low - slack <= value <= scale.high + slack for value in values)
    distances = [
        after - before for before, after in zip(scale.ticks, scale.ticks[1:], strict=False)
    ]
    assert distances == pytest.approx([distances[0]] * len(distances), rel=1e-6)


def test_a_position_is_a_percentage_of_the_width():
    assert [percent(x) for x in (0, 125, 1000)] == ["0%", "12.5%", "100%"]
