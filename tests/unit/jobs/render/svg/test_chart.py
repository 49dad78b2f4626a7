"""The parts that plots share."""

from __future__ import annotations

from datetime import date

from jobs.render.svg.chart import anchor, date_texts, dot, grid_texts, points
from jobs.render.svg.dates import DateAxis
from jobs.render.svg.scale import Scale

AXIS = DateAxis(date(2026, 11, 1), date(2026, 11, 5))
SCALE = Scale(0, 10, 100, 0, (0, 5, 10))


def test_days_without_data_and_days_without_a_value_are_gaps():
    days = [date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 4), date(2026, 11, 5)]
    values = {days[0]: 0, days[1]: 10, days[3]: 5}
    found = points(days, AXIS, SCALE, values)
    assert found == [(10, 100), (255, 0), None, None, (990, 50)]


def test_ticks_are_texts_at_their_heights():
    assert [(each.y, each.text) for each in grid_texts(SCALE, "{:.0f}".format)] == [
        (100, "0"), (50, "5"), (0, "10"),
    ]  # fmt: skip


def test_dates_stand_below_the_plot_and_within_it():
    found = date_texts(AXIS, 150, 5)
    assert {each.y for each in found} == {165}
    assert [each.anchor for each in found] == ["start", "middle", "middle", "middle", "end"]


def test_texts_at_the_edges_turn_inwards():
    assert [anchor(x) for x in (0, 500, 1000)] == ["start", "middle", "end"]


def test_a_dot_is_a_line_without_length():
    assert dot((1.4, 2.6)) == "M1 3h0"
