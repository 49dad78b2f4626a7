"""Lines break where nothing is known; bars begin at their base."""

from __future__ import annotations

from jobs.render.svg.marks import bar, line, steps


def test_a_line_has_a_gap_where_there_is_no_value():
    drawn = line([(0, 10), (10, 12.4), None, (30, 7), (40, 8)])
    assert drawn.path == "M0 10l10 2M30 7l10 1"
    assert drawn.dots == ""


def test_a_point_between_two_gaps_is_a_dot():
    drawn = line([None, (0, 10), None, None, (20, 9), (30, 9), None])
    assert drawn.path == "M20 9l10 0"
    assert drawn.dots == "M0 10h0"


def test_no_points_are_no_line():
    assert line([]).path == line([]).dots == line([None, None]).path == steps([]) == ""


def test_steps_go_to_the_right_first():
    assert steps([(0, 0), (10, 5), (30, 8)]) == "M0 0H10V5H30V8"


def test_a_bar_goes_up_or_down_from_its_base_and_is_always_seen():
    assert bar(50, 10, 60, 20) == "M45 60v-40h10v40"
    assert bar(50, 10, 60, 80) == "M45 60v20h10v-20"
    assert bar(50, 0.1, 60, 59.8) == "M50 60v-1h1v1"
    assert bar(50, 0.1, 60, 60.2) == "M50 60v1h1v-1"
