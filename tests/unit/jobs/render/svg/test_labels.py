"""Labels do not stand on each other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.render.svg.labels import spread


def test_labels_that_do_not_touch_stay_where_they_are():
    assert spread([10, 50, 30], 14, 0, 100) == [10, 50, 30]


def test_labels_that_touch_move_apart_by_the_same_way():
    assert spread([50, 50], 10, 0, 100) == [45, 55]
    assert spread([52, 48, 90], 10, 0, 100) == [55, 45, 90]


def test_labels_stay_between_the_ends():
    assert spread([0, 2], 10, 5, 100) == [5, 15]
    assert spread([99, 100], 10, 0, 100) == [90, 100]


def test_where_there_is_no_room_they_are_as_far_apart_as_there_is():
    assert spread([7, 7, 7], 10, 0, 10) == [0, 5, 10]
    assert spread([], 10, 0, 100) == []


@given(wanted=st.lists(st.floats(-50, 250), max_size=9), height=st.floats(1, 30))
def test_no_two_labels_touch_their_order_stays_and_all_are_within_the_ends(wanted, height):
    placed = spread(wanted, height, 0, 200)
    room = min(height, 200 / max(len(wanted) - 1, 1))
    assert all(-1e-6 <= each <= 200 + 1e-6 for each in placed)
    for before, after in pairwise(sorted(range(len(wanted)), key=lambda at: wanted[at])):
        assert placed[after] - placed[before] >= room - 1e-6


def test_one_label_outside_is_brought_in():
    assert spread([250], 10, 0, 200) == pytest.approx([200])
