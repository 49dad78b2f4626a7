"""The plots of the last runs: gaps, a common scale, a zero line, labels at the ends."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise

import pytest

from jobs.render.html.trend import trend_of
from jobs.report.info import HistoryEntry
from jobs.schema import Change, State

FIRST = date(2026, 11, 1)


def entry(day, *, on=100, off=20, none=5, unknown=0, gain=0, loss=0):
    return HistoryEntry(
        run_date=FIRST + timedelta(day),
        run_id=f"r{day}",
        pairs=on + off + none,
        states=dict(zip(State, (on, off, none, unknown), strict=True)),
        known={"ON": on, "OFF": off, "NONE": none, "never": 0},
        changes=dict.fromkeys(Change, 0),
        gain=gain,
        loss=loss,
    )


def trend(*entries):
    return trend_of(entries, str)


@pytest.mark.parametrize("runs", [0, 1])
def test_fewer_than_two_runs_are_no_trend(runs):
    assert trend(*(entry(day) for day in range(runs))) is None


def test_a_night_without_a_run_is_a_gap():
    whole = trend(*(entry(day) for day in range(6)))
    gap = trend(*(entry(day) for day in (0, 1, 4, 5)))
    assert whole.on.lines["ON"].path.count("M") == 1
    assert gap.on.lines["ON"].path.count("M") == 2
    assert {own.path.count("M") for own in gap.states.lines.values()} == {2}
    assert trend(entry(0), entry(3), entry(4)).on.lines["ON"].dots.count("M") == 1


def test_dates_stand_at_distances_of_time():
    found = trend(entry(0), entry(1), entry(3))
    assert [tick.text for tick in found.on.ticks] == ["11-01", "11-02", "11-03", "11-04"]


def test_bars_stand_on_a_line_of_zero_and_are_to_one_scale():
    found = trend(entry(0, gain=10, loss=0), entry(1, gain=0, loss=20), entry(2, gain=20))
    assert found.flows.zero is not None
    heights = [int(each) for each in re.findall(r"v(-?\d+)h", found.flows.paths["gained"])]
    assert heights[0] * 2 == pytest.approx(heights[1], abs=1)
    (down,) = (int(each) for each in re.findall(r"v(-?\d+)h", found.flows.paths["lost"]))
    assert down == -heights[1]
    assert found.flows.paths["gained"].count("M") == 2
    assert found.flows_text == "20 lost, 30 gained; at most 20 in one run."


def test_bars_are_gain_and_loss_not_sums_of_classes():
    """A sum of classes does not show how many of the CLEARED were ON."""
    found = trend(entry(0, gain=7), entry(1, loss=1_002), entry(2, gain=30, loss=4))
    assert found.flows_text == "1,006 lost, 37 gained; at most 1,002 in one run."


def test_all_states_share_a_scale_that_begins_at_zero_and_are_named_at_their_ends():
    found = trend(entry(0), entry(1, on=90, off=22, none=21))
    assert found.states.grid[0].text == "0"
    assert found.states.zero == found.states.grid[0].y
    assert [label.text for label in found.states.labels.values()] == ["90 ON", "22 OFF", "21 NONE"]
    heights = sorted(label.y for label in found.states.labels.values())
    assert all(below - above >= 14 for above, below in pairwise(heights))


def test_a_state_that_nobody_ever_had_has_no_line():
    assert set(trend(entry(0), entry(1)).states.lines) == {"ON", "OFF", "NONE"}
    assert "UNKNOWN" in trend(entry(0), entry(1, unknown=3)).states.lines


def test_on_is_described_in_words_and_at_its_end():
    found = trend(entry(0, on=100), entry(1, on=140), entry(2, on=90))
    assert found.on_text == ("From 100 on 2026-11-01 to 90 on 2026-11-03; lowest 90, highest 140.")
    assert found.on.labels["on"].text == "90 ON"
    assert found.states_text == "2026-11-03: ON 90, OFF 20, NONE 5, UNKNOWN 0"


def test_the_bars_of_ninety_runs_are_narrower_than_a_night():
    found = trend(*(entry(day, gain=day + 1) for day in range(90)))
    widths = {int(each) for each in re.findall(r"h(\d+)v", found.flows.paths["gained"])}
    assert max(widths) <= 980 / 89
