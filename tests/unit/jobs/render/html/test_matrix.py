"""The table of transitions."""

from __future__ import annotations

from dataclasses import replace

from jobs.compare.summary import Summary
from jobs.render.html.matrix import transition_cells


def cells(**counts):
    empty = Summary.empty()
    rows = {before: dict(row) for before, row in empty.transitions.items()}
    for name, count in counts.items():
        before, now = name.split("_to_")
        rows[before][now] = count
    return transition_cells(replace(empty, transitions=rows))


def test_rows_and_columns_without_a_pair_are_left_out():
    found = cells(ON_to_ON=5, ON_to_OFF=1, never_to_ON=2)
    assert list(found) == ["ON", "never"]
    assert [list(row) for row in found.values()] == [["ON", "OFF"]] * 2


def test_those_that_stayed_have_no_colour_and_the_most_the_strongest():
    found = cells(ON_to_ON=5_000, ON_to_OFF=1_000, OFF_to_ON=3)
    assert found["ON"] == {"ON": (5_000, "stayed"), "OFF": (1_000, "heat5")}
    assert found["OFF"] == {"ON": (3, "heat2"), "OFF": (0, "stayed")}


def test_no_rows_are_no_table():
    assert cells() == {}
