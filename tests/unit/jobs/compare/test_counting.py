"""How often values occur."""

from __future__ import annotations

import numpy as np

from jobs.compare.counting import add_counts, count, count_table, present


def test_each_name_is_counted_zeros_too():
    assert count(np.array([0, 2, 2]), ["a", "b", "c"]) == {"a": 1, "b": 0, "c": 2}


def test_each_combination_is_counted():
    down, across = np.array([0, 1, 1], "int8"), np.array([2, 0, 0], "int8")
    assert count_table(down, 2, across, 3).tolist() == [[0, 0, 1], [2, 0, 0]]


def test_sums_are_in_the_order_of_the_words_and_leave_out_what_neither_has():
    assert list(add_counts({"b": 1}, {"a": 2, "b": 3}, "abc").items()) == [("a", 2), ("b", 4)]


def test_zeros_are_left_out():
    assert present({"a": 0, "b": 1}) == {"b": 1}
